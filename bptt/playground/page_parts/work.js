// The worker trains one cell. A few times a second it reports its progress; between updates it reads messages.

// Between two looks at what is asked for, and at least between two reports, in milliseconds. Reports of many steps take
// longer than that: a quarter of the time at most.
const [TURN, REPORT] = [30, 250];
// Updates between two points of a curve at first, and the most points that a curve has: then every other one is left out.
const [EVERY, MOST_POINTS] = [25, 400];
// Examples that are held out, and those whose gradients are averaged by lag.
const [HELD_OUT, PROBED] = [64, 4];
const SAMPLED = { count: 120, temperature: 0.7 };

let run = null;
let isRunning = false;
let isTurning = false;

onmessage = ({ data }) => {
  if (data.kind === "open") open(data.settings);
  if (data.kind === "set") Object.assign(run.settings, data.settings);
  if (data.kind === "run") isRunning = data.isRunning;
  if (isRunning && !isTurning) turn();
};

function open(settings) {
  const problem = PROBLEMS[settings.problem](settings);
  const held = generator(settings.seed + 1);
  const heldOut = Array.from({ length: HELD_OUT }, () => (problem.drawHeldOut ?? problem.draw)(held));
  const random = generator(settings.seed + 2);
  run = {
    settings,
    problem,
    heldOut,
    random,
    network: new Network(CELL, problem, settings),
    points: [],
    every: EVERY,
    reportedAt: 0,
    reportTime: 0,
    spent: 0,
  };
  measure();
  report();
}

// Trains for a moment, and goes on behind what has arrived meanwhile.
function turn() {
  isTurning = false;
  const { network, problem, settings, random } = run;
  if (!isRunning) return;
  // Also when fewer updates are wanted than there were: the page waits for every cell to be done.
  if (network.updates >= settings.updates) return report();
  const begun = performance.now();
  while (network.updates < settings.updates && performance.now() - begun < TURN) {
    const batch = Array.from({ length: settings.batch }, () => problem.draw(random));
    run.norm = network.update(batch, settings).norm;
    if (network.updates % run.every === 0) measure();
  }
  const now = performance.now();
  run.spent += now - begun;
  if (now - run.reportedAt > Math.max(REPORT, 3 * run.reportTime) || network.updates >= settings.updates) report();
  isTurning = true;
  channel.port2.postMessage(null);
}

const channel = new MessageChannel();
channel.port1.onmessage = turn;

function measure() {
  const { network, heldOut } = run;
  const loss = heldOut.reduce((sum, example) => sum + network.lossOf(example), 0) / heldOut.length;
  run.points.push([network.updates, loss]);
  if (run.points.length <= MOST_POINTS) return;
  run.every *= 2;
  run.points = run.points.filter(([updates]) => updates % run.every === 0);
}

function report() {
  const { network, problem, heldOut, settings } = run;
  const { lossSteps, steps } = problem;
  const begun = performance.now();
  const [first, ...others] = heldOut.slice(0, PROBED);
  // Each loss and each step of one example; of others the losses that count.
  network.forward(first);
  const map = Array.from({ length: steps }, (_, m) => network.row(first, m));
  const words = problem.isNumber || settings.problem === "copying" ? problem.words(first, answers()) : sampled();
  const counted = lossSteps.map((m) => map[m]);
  if (lossSteps.length < steps)
    for (const example of others) {
      network.forward(example);
      counted.push(...lossSteps.map((m) => network.row(example, m)));
    }
  run.reportedAt = performance.now();
  run.reportTime = run.reportedAt - begun;
  postMessage({
    kind: "progress",
    updates: network.updates,
    points: run.points,
    baseline: problem.baseline,
    isNumber: problem.isNumber,
    inputSize: problem.inputSize,
    weights: network.size,
    norm: run.norm ?? null,
    speed: network.updates ? (1000 * network.updates) / run.spent : null,
    isDone: network.updates >= settings.updates,
    map,
    byLag: byLag(counted, steps),
    words,
  });
}

function answers() {
  const { network, problem } = run;
  return problem.lossSteps.map((t) => [...network.answerAt(t)]);
}

function sampled() {
  return run.network.sample(SAMPLED.count, SAMPLED.temperature, generator(run.settings.seed));
}

// The median over losses of the norm at each lag, as a share of that at lag 0: of norms that lie orders of magnitude
// apart a mean would be the largest.
function byLag(rows, steps) {
  const medians = Array.from({ length: steps }, (_, lag) => {
    const norms = rows.filter((row) => lag < row.length).map((row) => row.at(-1 - lag));
    return norms.sort((a, b) => a - b)[Math.floor((norms.length - 1) / 2)];
  });
  return medians.map((median) => (medians[0] > 0 ? median / medians[0] : NaN));
}
