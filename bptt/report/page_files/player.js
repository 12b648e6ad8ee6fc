// The sound of the example in view, and the cursor that moves with it over the axis.

function soundPlayer(page, store) {
  const audio = element("audio", { controls: true, preload: "auto", "aria-label": say("Sound") });
  const said = element("span", { class: "quiet" });
  const node = element("div", { class: "player" }, audio, said);
  const cursor = element("i", { hidden: true });
  // In the column of the axis, whatever the width of the others.
  const over = element("div", { class: "strip-row playhead", "aria-hidden": "true" }, element("span"), element("div", {}, cursor), element("span"));
  // Undefined until the first example is shown, null for one without a time.
  let timeline;
  let [axis, sequence, shown, following] = [null, 0, null, false];

  const place = () => {
    const share = axis ? axis.share(audio.currentTime) : NaN;
    cursor.hidden = !timeline?.sound || !(share >= 0 && share <= 1);
    cursor.style.left = `${100 * share}%`;
  };
  const follow = () => {
    if (!timeline?.sound) return;
    const steps = timeline.seconds.length - 1;
    const step = axisOf(timeline, timeline.first, timeline.first + steps).stepAt(audio.currentTime);
    following = true;
    store.set({ sequence, step });
    following = false;
    place();
  };
  const animate = () => {
    place();
    if (!audio.paused) requestAnimationFrame(animate);
  };
  for (const event of ["timeupdate", "seeked"]) audio.addEventListener(event, follow);
  audio.addEventListener("play", animate);

  const load = (found) => {
    if (timeline === found) return false;
    if (timeline?.sound) URL.revokeObjectURL(audio.src);
    timeline = found;
    if (found?.sound) audio.src = URL.createObjectURL(new Blob([found.sound], { type: "audio/wav" }));
    else audio.removeAttribute("src");
    audio.hidden = !found?.sound;
    node.hidden = !found;
    said.textContent = found?.silent ? say("The sound of this example was left out to keep the page small.") : "";
    return true;
  };
  audio.addEventListener("loadedmetadata", () => {
    const [heard, whole] = [audio.duration, timeline.seconds.at(-1)];
    if (heard < whole - 0.1) said.textContent = say("The first {} s of {} can be heard.", heard.toFixed(1), say("{} s", whole.toFixed(1)));
  });
  return {
    node,
    over,
    // Shows the sound of an example under an axis; at another step the sound goes there.
    show(found, ofSequence, along, step) {
      sequence = ofSequence;
      axis = along;
      const fresh = load(found);
      const moved = step !== shown;
      shown = step;
      if (found?.sound && moved && !following && !fresh && step !== null) {
        const here = step - found.first;
        const now = audio.currentTime;
        if (now < found.seconds[here] || now >= found.seconds[here + 1])
          audio.currentTime = (found.seconds[here] + found.seconds[here + 1]) / 2;
      }
      place();
    },
    seek(at) {
      if (timeline?.sound) audio.currentTime = at;
    },
  };
}
