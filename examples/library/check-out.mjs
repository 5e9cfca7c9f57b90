// A defect as a folder for PyTorch and ONNX Runtime, with its sham beside it.
import { checkOut, open } from "bdefects4nn";

const database = await open("sample");
const files = await checkOut(database, "gtsrb-resnet18w8-badnets-small-top040", "case", { sham: true });
for (const { file, bytes } of files) console.log(`case/${file}: ${bytes} bytes`);
