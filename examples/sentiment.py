"""Sentiment: a network reads a review word by word and says at its end how sure it is."""

import random

import small_data

import bptt

rows = [line.split("\t") for line in small_data.films(random.Random(0), 120)][1:]
texts, labels = zip(*rows, strict=True)

model = bptt.SequenceClassifier(cell="gru", hidden_size=8, num_layers=1, epochs=10, random_state=0)
model.fit(texts[:100], labels[:100])
print(f"of 20 new reviews {model.score(texts[100:], labels[100:]):.0%} are understood")

for text in (
    "a warm film , lovely to the end",
    "a dull film , weak to the end",
    "a warm film , dull to the end",
):
    shares = dict(zip(model.classes_, model.predict_proba([text])[0], strict=True))
    print(f"P(positive) = {shares['positive']:.2f}  {text}")
