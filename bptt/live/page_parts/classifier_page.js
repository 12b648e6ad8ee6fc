// The page of a classifier: bars of the labels after every key, and the steps that carry one.

function draw(page, layers, client, recolour) {
  const { labels } = page;
  const answersAt = ({ probabilities }) =>
    labels
      .map((name, number) => ({ name, number, probability: probabilities[number] }))
      .sort((a, b) => b.probability - a.probability);
  const rightAt = ({ answers }) => answers.map((number) => labels[number]);
  drawExamples(page, layers, client, recolour, {
    answersAt,
    rightAt,
    lead: say(
      "Type: after every key the model answers. Choose a label to see what speaks for it and against it; point at a step to look into it.",
    ),
    lossWords: say(
      "E is the loss of the answer, or of the label that you choose. The part of a step in it is ∂E/∂x · x: below zero (blue) it speaks for the label, above zero (orange) against it. The lines are ‖∂E/∂netₙ‖.",
    ),
    mapWords: say("Row m: the same loss if the input ended behind step m."),
    title: (reading) => rightAt(reading).join(", ") || say("none of the labels"),
    about: (reading) => [say("{} steps", reading.tokens.length), ...remarksOn(reading)].join("; "),
    notes: () => [],
    lossSaid: (reading, place, choice) =>
      say("loss of {}", choice === null ? rightAt(reading).join(", ") || "–" : labels[choice]),
    // The answer is one for all steps: so is its change.
    changeAt: (main, edited) => {
      const number = main.answers[0] ?? 0;
      return main.tokens.map(() => edited.probabilities[number] - main.probabilities[number]);
    },
  });
}
