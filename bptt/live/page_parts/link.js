// The state of the page in its address, behind #: a link shows another reader the same.

const LINKED = ["text", "second", "place", "colour", "edits", "sampling"];

function readLink() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1))) ?? {};
  } catch {
    // An address that was cut or written by somebody else: the page begins as new.
    return {};
  }
}

function writeLink(state) {
  const kept = Object.fromEntries(LINKED.map((name) => [name, state[name]]));
  history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(kept))}`);
}
