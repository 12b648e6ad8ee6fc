"""Series: a network reads a handwritten digit row by row, 8 numbers at a time, and says which it is."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import bptt

digits = load_digits()
images = digits.images / 16  # (1797, 8, 8): 8 steps of 8 numbers
learned, new, labels, right = train_test_split(images, digits.target, test_size=0.25, random_state=0)

model = bptt.SequenceClassifier(
    cell="gru", hidden_size=48, num_layers=1, epochs=15, learning_rate=0.01, random_state=0
)
model.fit(learned, labels)
found = model.predict(new)
print(f"of {len(new)} new images, {(found == right).mean():.1%} are read rightly")

at, shares = 0, model.predict_proba(new[:1])[0]
print(f"\nan image of {right[at]}, and what it may be:")
for row in new[at]:
    print("  " + "".join(" .:-=+*#@"[int(8 * shade)] * 2 for shade in row))
for digit in shares.argsort()[:-4:-1]:
    print(f"  {digit}: {shares[digit]:.3f}")
