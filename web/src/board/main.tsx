import { render } from "preact";
import "../style.css";
import "./board.css";
import { Board } from "./board.tsx";

render(<Board />, document.getElementById("app")!);
