// A pattern is matched in a worker: it may take exponential time, and nothing stops one in the page's own thread.

const PATIENCE = 2000; // milliseconds

// The worker has the functions of this page as text: it loads nothing.
function workerText() {
  const answer = ({ data: { texts, pattern } }) => {
    try {
      postMessage({ masks: texts.map((row) => insideOf(row, pattern)) });
    } catch (error) {
      const reason = error.message.replace(/^Invalid regular expression: /, "");
      postMessage({ masks: null, said: `Not a pattern: ${reason}` });
    }
  };
  const functions = [expressionOf, inAllAlphabets, firstAfter, insideOf];
  return `"use strict";\n${functions.join("\n")}\nonmessage = ${answer};`;
}

/* A function of texts and a pattern. It resolves to { masks, said }: a mask for each text, or null and why there is
   none; or to null if it was called again before it had the answer. */
function createMatcher() {
  let stop = () => {};
  return (texts, pattern) =>
    new Promise((resolve) => {
      stop();
      if (!pattern) return resolve({ masks: null });
      const place = URL.createObjectURL(new Blob([workerText()], { type: "text/javascript" }));
      const worker = new Worker(place);
      const end = (found) => {
        clearTimeout(timer);
        worker.terminate();
        URL.revokeObjectURL(place);
        stop = () => {};
        resolve(found);
      };
      const late = say(
        "Stopped after {} s: this pattern takes too long on this text. " +
          "Avoid a repetition inside a repetition, such as (a+)+.",
        PATIENCE / 1000,
      );
      const timer = setTimeout(() => end({ masks: null, said: late }), PATIENCE);
      worker.onmessage = ({ data: { masks, said } }) =>
        end({ masks, said: said?.replace(/^Not a pattern: /, say("Not a pattern: ")) });
      worker.onerror = () => end({ masks: null, said: say("This browser runs no workers, which a search needs.") });
      stop = () => end(null);
      worker.postMessage({ texts, pattern });
    });
}
