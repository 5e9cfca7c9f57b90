import { render } from "preact";
import { App } from "./app.tsx";
import { Guarded } from "./guarded.tsx";
import "./style.css";

render(
  <Guarded name="data/index.json">
    <App />
  </Guarded>,
  document.getElementById("app")!,
);
