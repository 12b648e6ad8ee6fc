// What is chosen on the page, and who wants to know when it changes.

function createStore(state) {
  const listeners = [];
  return {
    get: () => state,
    set(changes) {
      const changed = Object.keys(changes).filter((key) => changes[key] !== state[key]);
      state = { ...state, ...changes };
      for (const { keys, listen } of listeners) {
        if (changed.some((key) => keys.includes(key))) listen(state);
      }
    },
    // Calls at once, and whenever one of the keys has changed.
    watch(keys, listen) {
      listeners.push({ keys, listen });
      listen(state);
    },
  };
}
