// The worker that computes, and the listeners to its answers.

function createClient() {
  const place = URL.createObjectURL(new Blob([ENGINE], { type: "text/javascript" }));
  const worker = new Worker(place);
  const listeners = new Map();
  let asked = 0;
  worker.onmessage = ({ data }) => (listeners.get(data.kind) ?? []).forEach((listener) => listener(data));
  return {
    onfailure(listener) {
      // A worker that may not begin fails without a message.
      worker.onerror = (event) => listener(event.message);
    },
    on(kind, listener) {
      listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
    },
    // The number of the request comes back with the answer.
    send(kind, request = {}) {
      worker.postMessage({ kind, id: ++asked, ...request });
      return asked;
    },
  };
}
