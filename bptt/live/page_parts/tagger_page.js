// The page of a tagger: the tag of every word, and the words that carry one tag.

function draw(page, layers, client, recolour) {
  const { labels } = page;
  const shareOf = ({ marginals }, place, number) => marginals[place * labels.length + number];
  const answersAt = (reading, place) =>
    labels
      .map((name, number) => ({ name, number, probability: place < 0 ? 0 : shareOf(reading, place, number) }))
      .sort((a, b) => b.probability - a.probability);
  const certainty = (reading, place) => shareOf(reading, place, reading.tags[place]);
  drawExamples(page, layers, client, recolour, {
    answersAt,
    rightAt: ({ tags }, place) => [labels[tags[place]]],
    lead: say(
      "Type: after every key each word has its tag. Choose a word to see the probability of every tag there, and a tag to see which words carry it.",
    ),
    lossWords: say(
      "E is −ln P of the tag at the chosen word, its own or the one that you choose. The part of a word in it is ∂E/∂x · x: below zero (blue) it speaks for the tag, above zero (orange) against it. The lines are ‖∂E/∂netₙ‖.",
    ),
    mapWords: say("Row m: −ln P of the tag of word m, its own."),
    title: ({ tokens }, place) => (place < 0 ? "" : say("Tags of word {}, {}", place, quoted(tokens[place]))),
    about: (reading) =>
      [
        say("{} words", reading.tokens.length),
        say("these tags together: P = {}", percent(Math.exp(reading.logarithm))),
        ...remarksOn(reading),
      ].join("; "),
    notes: (reading) =>
      reading.tags.map((tag, place) =>
        labels[tag] === page.outside ? "" : `${labels[tag]} ${percent(certainty(reading, place))}`,
      ),
    lossSaid: (reading, place, choice) =>
      say("tag {} at word {}", labels[choice ?? reading.tags[place]], place),
    changeAt: (main, edited) =>
      main.tags.map((tag, place) => shareOf(edited, place, tag) - shareOf(main, place, tag)),
  });
}
