// The worker that computes, and who listens to what it says.

function createClient() {
  const place = URL.createObjectURL(new Blob([ENGINE], { type: "text/javascript" }));
  const worker = new Worker(place);
  const listeners = new Map();
  let asked = 0;
  worker.onmessage = ({ data }) => (listeners.get(data.kind) ?? []).forEach((listener) => listener(data));
  return {
    onfailure(tell) {
      worker.onerror = (event) => tell(event.message);
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
