// What steps look like: the pictures of a sequence on the axis of its steps, and the one of a step, larger.

const BAND_HEIGHT = 64;
// Pixels of the longer side of the picture of a single step, at least.
const LARGE = 160;

// The number of the picture that a step is in; null if there is none.
function pictureOf(pictures, step) {
  const number = pictures.starts.findLastIndex((start) => start <= step);
  return number >= 0 && step < pictures.ends[number] ? number : null;
}

// A picture as a canvas of its own size.
function pictureCanvas({ width, height, channels, bytes }, number) {
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const from = number * width * height * channels;
  for (let i = 0; i < width * height; i += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = bytes[from + channels * i + (c % channels)];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// The pictures of the steps from `from` to before `to`: frames side by side, as many as have room at their places;
// a picture whose columns are its steps over all of these.
function pictureBand(pictures, from, to, width) {
  const canvas = element("canvas", { class: "pictures", width, height: BAND_HEIGHT, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const x = (step) => ((step - from) / (to - from)) * width;
  let free = 0;
  pictures.starts.forEach((start, number) => {
    const end = pictures.ends[number];
    if (end <= from || start >= to) return;
    const frame = (BAND_HEIGHT * pictures.width) / pictures.height;
    const [left, wide] = pictures.columns ? [x(start), x(end) - x(start)] : [Math.max(0, x(start)), frame];
    if (!pictures.columns && left < free) return;
    context.drawImage(pictureCanvas(pictures, number), left, 0, wide, BAND_HEIGHT);
    free = left + wide;
  });
  return canvas;
}

// The picture of a step, enlarged; null where steps have no pictures of their own.
function largePicture(pictures, step) {
  const number = pictures ? pictureOf(pictures, step) : null;
  if (number === null || pictures.columns) return null;
  const canvas = pictureCanvas(pictures, number);
  const scale = LARGE / Math.max(pictures.width, pictures.height);
  canvas.className = "large";
  canvas.style.width = `${Math.round(pictures.width * scale)}px`;
  canvas.style.height = `${Math.round(pictures.height * scale)}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", say("Picture of step {}", step));
  return canvas;
}
