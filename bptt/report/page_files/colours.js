// Colours: they stand in the style sheet, for light and for dark; here they are only mixed.

// Matplotlib's viridis at nine even places (van der Walt & Smith 2015): as bright as it is large.
const VIRIDIS = "440154 472c7a 3b518b 2c718e 21908d 27ad81 5cc863 aadc32 fde725".split(" ").map(fromHex);
// Poles are mixed with the paper so far that ink stays readable on them.
const STRENGTH = 0.62;
// How many colours there are for lines.
const TONES = 6;

function fromHex(hex) {
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

function themeColour(name) {
  return fromHex(getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim().slice(1));
}

function mix(from, to, share) {
  return from.map((channel, i) => Math.round(channel + share * (to[i] - channel)));
}

function css(colour) {
  return `rgb(${colour.join(", ")})`;
}

// Two poles about the paper: -1 is blue, 1 is orange. The colours are read once for many places.
function divergingColours() {
  const [paper, low, high] = ["paper", "blue", "orange"].map(themeColour);
  return (share) => {
    const reach = STRENGTH * Math.min(1, Math.abs(share));
    return css(mix(paper, share < 0 ? low : high, reach));
  };
}

// From 0 to 1.
function viridis(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const step = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return mix(VIRIDIS[step], VIRIDIS[step + 1], place - step);
}

// A strip of colours with words below its ends and middle.
function colourLegend(colours, ...words) {
  const strip = element("div", { class: "ramp" });
  strip.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const labels = words.map((text) => element("span", {}, text));
  return element("div", { class: "legend-ramp" }, strip, element("div", { class: "ramp-words" }, ...labels));
}
