// The cells in training: a worker for each, made of the library and of the cell's own JavaScript.

const NO_WORKER =
  "the browser refuses the worker in which a cell trains. Save the page as a file, or open it in a tab of its own";

function createTrainer(onprogress, onfailure) {
  const workers = new Map();
  let isRunning = false;
  return {
    // Begins anew with a cell in a slot, or leaves the slot empty.
    open(slot, cell, settings) {
      workers.get(slot)?.terminate();
      workers.delete(slot);
      if (!cell) return;
      const text = `"use strict";\nconst CELL = ${emitted(cell)};\n${WORKER}`;
      const place = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      let worker = null;
      try {
        worker = new Worker(place);
      } catch {
        return onfailure(slot, NO_WORKER);
      }
      worker.addEventListener("message", () => URL.revokeObjectURL(place), { once: true });
      // What an earlier worker of the slot still had to say is not heard.
      worker.onmessage = ({ data }) => workers.get(slot) === worker && onprogress(slot, data);
      worker.onerror = (event) => {
        event.preventDefault();
        // A worker that may not begin fails without a message.
        onfailure(slot, event.message || NO_WORKER);
      };
      workers.set(slot, worker);
      worker.postMessage({ kind: "open", settings });
      worker.postMessage({ kind: "run", isRunning });
    },
    set(settings) {
      for (const worker of workers.values()) worker.postMessage({ kind: "set", settings });
    },
    run(wanted) {
      isRunning = wanted;
      for (const worker of workers.values()) worker.postMessage({ kind: "run", isRunning });
    },
    isRunning: () => isRunning,
  };
}
