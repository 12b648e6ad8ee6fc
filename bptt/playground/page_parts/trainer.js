// The cells in training: a worker for each, made of the library and of the cell's own JavaScript.

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
      const worker = new Worker(place);
      worker.addEventListener("message", () => URL.revokeObjectURL(place), { once: true });
      // What an earlier worker of the slot still had to say is not heard.
      worker.onmessage = ({ data }) => workers.get(slot) === worker && onprogress(slot, data);
      worker.onerror = (event) => {
        event.preventDefault();
        onfailure(slot, event.message);
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
