import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";

/** What is drawn of a file, or one line where it cannot be: without that, a file of another shape would leave an empty page. */
export function Guarded({ name, children }: { name: string; children: ComponentChildren }) {
  const [error] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <p role="alert" class="card refusal">
      {name}: cannot be shown ({(error as Error).message})
    </p>
  );
}
