/**
 * ONNX Runtime's own telemetry is off: it keeps an id and a database in the user's cache folder, leaves a log of each process in the
 * folder for temporary files, and may send what it counts to its makers. Imported before the runtime, which asks once, as it is loaded.
 * Whoever has set the variable keeps what they chose.
 */
process.env.ORT_DISABLE_TELEMETRY ??= "1";
