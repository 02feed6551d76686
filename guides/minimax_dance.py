# %% [markdown]
# # The minimax dance
#
# The smallest GAN that can be watched from all sides: the data is a pile at -2 and a pile at 2 on a line,
# the generator is a function of one number, and the discriminator is a curve. This guide trains the game and
# writes it down as one HTML page, in which a slider scrubs through the training: open it with any browser,
# from disk. The same lines run on JAX, TensorFlow and PyTorch: set the environment variable
# `KERAS_BACKEND` before starting. It takes less than a minute.

# %%
import json
import os
import pathlib
from statistics import NormalDist

import keras
import numpy as np

import keras_gan

OUT = pathlib.Path(os.environ.get("OUT", "minimax_dance"))
STEPS = int(os.environ.get("STEPS", 1000))
SEED = int(os.environ.get("SEED", 0))
STEPS_PER_FRAME = 5
BATCH = 256

keras.utils.set_random_seed(SEED)

# %% [markdown]
# ## The data
#
# Half of the points come from N(-2, 0.5²), half from N(2, 0.5²). `fit` takes samples in [-1, 1], as images
# are; a model's `image_range` says what its networks see instead. Twelve standard deviations fit into
# [-8, 8].

# %%
MODES, STD, RANGE = np.array([-2.0, 2.0]), 0.5, 8.0

rng = np.random.default_rng(SEED)
points = rng.choice(MODES, (STEPS * BATCH, 1)) + STD * rng.standard_normal((STEPS * BATCH, 1))
dataset = (points / RANGE).astype("float32")

# %% [markdown]
# ## Two players
#
# The generator is `1.5 z + MLP(z)` with the last layer at zero, so that at the start its samples are exactly
# N(0, 1.5²): one broad hill between the two piles. The discriminator is an MLP from a place to the logit of
# "a point here is real".


# %%
def mlp(zero_output=False):
    def dense(units, inputs, activation=None, **options):
        uniform = keras_gan.initializers.RandomUniform(-(inputs**-0.5), inputs**-0.5)
        return keras.layers.Dense(
            units,
            activation,
            **{"kernel_initializer": uniform, "bias_initializer": uniform, **options},
        )

    zeros = {"kernel_initializer": "zeros", "bias_initializer": "zeros"} if zero_output else {}
    return keras.Sequential(
        [
            keras.Input((1,)),
            dense(64, 1, "relu"),
            dense(64, 64, "relu"),
            dense(1, 64, **zeros),
        ]
    )


def make_generator():
    z = keras.Input((1,))
    return keras.Model(z, keras.layers.Rescaling(1.5)(z) + mlp(zero_output=True)(z))


gan = keras_gan.GAN(
    make_generator(),
    mlp(),
    # For the moving average, which this recipe leaves alone.
    ema_generator=make_generator(),
    image_range=(-RANGE, RANGE),
    seed=SEED,
)

# %% [markdown]
# ## The recipe
#
# The non-saturating loss with R1, the penalty that makes small games converge, and Adam without
# momentum, five times faster for the discriminator. Leave R1 out, and the samples keep swinging around
# the piles.

# %%
R1_GAMMA = 0.5
gan.compile(
    generator_optimizer=keras.optimizers.Adam(1e-3, 0.0, 0.99, epsilon=1e-8),
    discriminator_optimizer=keras.optimizers.Adam(5e-3, 0.0, 0.99, epsilon=1e-8),
    loss="non_saturating",
    regularizers=[keras_gan.regularizers.R1(R1_GAMMA)],
)

# %% [markdown]
# ## What a frame shows
#
# The generator's density is the histogram of G(z) over evenly spaced quantiles z of N(0, 1), so it has no
# noise of its own. Beside it stand the discriminator's answer D(x) and the Wasserstein distance: how far, on
# average, a sample has to be carried to make the generator's pile of samples the data's.

# %%
EDGES = np.linspace(-6, 6, 121)
PLACES = (EDGES[:-1] + EDGES[1:]) / 2
Z = np.array([NormalDist().inv_cdf((i + 0.5) / 8000) for i in range(8000)], "float32")
REAL = np.concatenate([mode + STD * Z for mode in MODES])


def density(samples):
    counts, _ = np.histogram(samples, EDGES)
    return counts / len(samples) / np.diff(EDGES)


def outputs(network, x):
    """What a network says now: nothing is compiled for so little."""
    return keras.ops.convert_to_numpy(network(np.float32(x)[:, None], training=False))[:, 0]


def discriminate(x):
    return 1 / (1 + np.exp(-outputs(gan.discriminator, x)))


DATA_DENSITY = density(REAL)
frames = []


def take_frame(epoch=-1, logs=None):
    fake = outputs(gan.generator, Z)
    frames.append(
        {
            "step": (epoch + 1) * STEPS_PER_FRAME,
            "generated": density(fake).round(4).tolist(),
            "d": discriminate(PLACES).round(4).tolist(),
            "w1": round(keras_gan.theory.wasserstein_1(REAL, fake), 4),
        }
    )
    if logs:
        # What is logged is what is minimised; the page shows the game without the penalty.
        frames[-1]["d_loss"] = round(float(logs["d_loss"] - R1_GAMMA / 2 * logs["r1"]), 4)
        frames[-1]["g_loss"] = round(float(logs["g_loss"]), 4)


# %% [markdown]
# ## Training
#
# An "epoch" is one frame: five steps, over which the logged losses are averaged.

# %%
take_frame()
gan.fit(
    dataset,
    batch_size=BATCH,
    steps_per_epoch=STEPS_PER_FRAME,
    epochs=STEPS // STEPS_PER_FRAME,
    verbose=0,
    callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=take_frame)],
)

# %% [markdown]
# ## Where it ends
#
# In theory the generator's density becomes the data's, the discriminator answers 0.5 everywhere, its loss is
# 2 log 2 = 1.386 and the generator's log 2 = 0.693. In practice a thin bridge stays between the piles:
# a continuous function of z cannot jump from one to the other.

# %%
fake = outputs(gan.generator, Z)
near = np.abs(fake[:, None] - MODES).min(axis=1) < 3 * STD
doubt = np.abs(discriminate(np.concatenate([REAL, fake, fake])) - 0.5)
print(f"Wasserstein distance {frames[0]['w1']:.3f} -> {frames[-1]['w1']:.3f}")
print(f"near a pile {near.mean():.3f}, on the left {(fake < 0).mean():.3f}")
print(f"mean |D - 1/2| {doubt.mean():.4f}")
print(f"losses: discriminator {frames[-1]['d_loss']:.3f}, generator {frames[-1]['g_loss']:.3f}")

# %% [markdown]
# ## The page
#
# Everything is in the one file: the frames as JSON, the drawing as SVG made by a few functions. Nothing is
# fetched, and the page's own policy forbids it.

# %%
PAGE = r"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>The minimax dance</title>
<style>
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --data: #0b6bcb; --fake: #c2410c; --judge: #6d28d9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ink: #e8eaed; --soft: #a3abb5; --line: #3a424c;
    --data: #6cb6ff; --fake: #ff9a5c; --judge: #c4a5ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; }
p { margin: 0 0 .75rem; }
.soft { color: var(--soft); font-size: .9rem; }
.controls { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center;
  padding: .5rem 0; background: var(--page); border-bottom: 1px solid var(--line); z-index: 1; }
button { min-width: 5.5rem; min-height: 2.75rem; font: inherit; font-weight: 600; color: var(--page);
  background: var(--ink); border: 0; border-radius: .4rem; cursor: pointer; }
input[type=range] { flex: 1 1 12rem; min-width: 0; height: 2.75rem; margin: 0; accent-color: var(--judge); }
:focus-visible { outline: 3px solid var(--judge); outline-offset: 2px; }
output { min-width: 6.5rem; font-variant-numeric: tabular-nums; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: .75rem 0 0; font-variant-numeric: tabular-nums; }
dl div { display: flex; gap: .5rem; }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; }
figure { margin: 1rem 0 0; }
figcaption { font-weight: 600; }
.key { display: inline-flex; align-items: center; gap: .35rem; margin: 0 .5rem; font-weight: 400; }
.key svg { flex: none; width: 1.75rem; height: .75rem; }
figure > svg { display: block; width: 100%; height: clamp(7rem, 20vh, 13rem); overflow: visible; }
@media (max-width: 30rem) and (hover: none) { #keys { display: none; } }
svg text { fill: var(--soft); font-size: 12px; }
path { fill: none; stroke-width: 2; stroke-linejoin: round; }
.axis { stroke: var(--line); stroke-width: 1; }
.level { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4; }
.data { stroke: var(--data); } .fake { stroke: var(--fake); stroke-dasharray: 7 3; } .judge { stroke: var(--judge); }
.data.area { fill: var(--data); fill-opacity: .15; stroke: none; }
.fake.area { fill: var(--fake); fill-opacity: .15; stroke: none; }
.cursor { stroke: var(--ink); stroke-width: 1.5; }
circle.judge { fill: var(--judge); } circle.fake { fill: var(--fake); }
.loss .fake { stroke-dasharray: none; }
kbd { padding: 0 .35em; border: 1px solid var(--line); border-radius: .25em; font: inherit; font-size: .85em; }
</style>
</head>
<body>
<main>
<h1>The minimax dance</h1>
<p>A generator moves its samples to where the discriminator believes in them; the discriminator keeps asking
where they differ from the data. When nothing differs, it can only answer one half.</p>
<div class="controls">
<button type="button" id="play" aria-pressed="false">Play</button>
<input type="range" id="slider" min="0" value="0" step="1" aria-label="Training step">
<output id="where" for="slider" aria-live="off"></output>
</div>
<p class="soft" id="keys"><kbd>Space</kbd> plays and pauses, <kbd>←</kbd> <kbd>→</kbd> move by a frame.</p>
<dl>
<div><dt>Discriminator's loss</dt><dd id="d_loss"></dd></div>
<div><dt>Generator's loss</dt><dd id="g_loss"></dd></div>
<div><dt>Wasserstein distance</dt><dd id="w1"></dd></div>
</dl>
<figure>
<figcaption>Densities
<span class="key"><svg aria-hidden="true"><path class="data" d="M0 6H28"/></svg>data</span>
<span class="key"><svg aria-hidden="true"><path class="fake" d="M0 6H28"/></svg>generator</span>
</figcaption>
<svg id="densities" role="img"></svg>
</figure>
<figure>
<figcaption>The discriminator's answer
<span class="key"><svg aria-hidden="true"><path class="judge" d="M0 6H28"/></svg>D(x)</span>
</figcaption>
<svg id="answers" role="img"></svg>
</figure>
<figure class="loss">
<figcaption>Losses
<span class="key"><svg aria-hidden="true"><path class="judge" d="M0 6H28"/></svg>discriminator</span>
<span class="key"><svg aria-hidden="true"><path class="fake" d="M0 6H28"/></svg>generator</span>
</figcaption>
<svg id="losses" role="img"></svg>
</figure>
<p class="soft" id="about"></p>
</main>
<script type="application/json" id="frames">FRAMES</script>
<script>
"use strict";
const {places, data, frames, backend, seed} = JSON.parse(document.getElementById("frames").textContent);
const element = id => document.getElementById(id);
const slider = element("slider"), play = element("play");
const last = frames.length - 1, lastStep = frames[last].step;
const trained = frames.slice(1);
const PAD = {left: 34, right: 12, top: 8, bottom: 22};
const FRAME_MS = Math.min(500, Math.max(40, 12000 / frames.length));
let current = 0, playing = false, due = 0, charts = {};

function node(parent, name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

// An empty chart: functions from numbers to pixels, axes with their ticks.
function chart(id, [x0, x1], [y0, y1], xTicks, yTicks, xLabel) {
  const svg = element(id), {width, height} = svg.getBoundingClientRect();
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const right = width - PAD.right, bottom = height - PAD.bottom;
  const x = v => PAD.left + (v - x0) / (x1 - x0) * (right - PAD.left);
  const y = v => bottom - (v - y0) / (y1 - y0) * (bottom - PAD.top);
  for (const tick of yTicks) {
    node(svg, "path", {class: "axis", d: `M${PAD.left} ${y(tick)}H${right}`});
    node(svg, "text", {x: PAD.left - 6, y: y(tick) + 4, "text-anchor": "end"}, tick);
  }
  for (const tick of xTicks)
    node(svg, "text", {x: x(tick), y: bottom + 16, "text-anchor": tick === x1 ? "end" : "middle"},
      tick === x1 ? `${xLabel} ${tick}` : tick);
  const line = (xs, ys) => "M" + xs.map((v, i) => `${x(v).toFixed(1)} ${y(ys[i]).toFixed(1)}`).join("L");
  const area = (xs, ys) => `${line(xs, ys)}L${x(xs.at(-1))} ${y(0)}L${x(xs[0])} ${y(0)}Z`;
  const path = (kind, d = "") => node(svg, "path", {class: kind, d});
  return {svg, x, y, line, area, path, top: PAD.top, bottom, right};
}

function layout() {
  const sides = [places[0], places.at(-1)], xTicks = [-4, -2, 0, 2, 4];
  const highest = Math.max(...data, ...frames.flatMap(frame => frame.generated));
  // A steep step of the generator's function makes a peak that would dwarf all else.
  const top = Math.min(Math.ceil(highest * 5) / 5, 0.8);
  let c = chart("densities", sides, [0, top], xTicks, [0, top / 2, top]);
  c.path("data area", c.area(places, data));
  c.fakeArea = c.path("fake area");
  c.path("data", c.line(places, data));
  c.fake = c.path("fake");
  charts.densities = c;
  charts.top = top;

  c = chart("answers", sides, [0, 1], xTicks, [0, 0.5, 1]);
  c.path("level", c.line(sides, [0.5, 0.5]));
  c.judge = c.path("judge");
  charts.answers = c;

  const steps = trained.map(frame => frame.step);
  const losses = trained.flatMap(frame => [frame.d_loss, frame.g_loss]);
  const high = Math.max(1.6, Math.ceil(Math.max(...losses) * 5) / 5);
  c = chart("losses", [0, lastStep], [0, high], [0, lastStep / 2, lastStep], [0, 0.5, 1, 1.5], "step");
  for (const [level, name] of [[2 * Math.LN2, "2 log 2"], [Math.LN2, "log 2"]]) {
    c.path("level", c.line([0, lastStep], [level, level]));
    node(c.svg, "text", {x: c.right - 8, y: c.y(level) + 15, "text-anchor": "end"}, name);
  }
  c.path("judge", c.line(steps, trained.map(frame => frame.d_loss)));
  c.path("fake", c.line(steps, trained.map(frame => frame.g_loss)));
  c.cursor = c.path("cursor");
  c.dots = {d_loss: node(c.svg, "circle", {class: "judge", r: 4}), g_loss: node(c.svg, "circle", {class: "fake", r: 4})};
  charts.losses = c;
  show(current);
}

function show(index) {
  current = Math.max(0, Math.min(last, index));
  const frame = frames[current], {densities, answers, losses, top} = charts;
  const generated = frame.generated.map(v => Math.min(v, top));
  densities.fake.setAttribute("d", densities.line(places, generated));
  densities.fakeArea.setAttribute("d", densities.area(places, generated));
  answers.judge.setAttribute("d", answers.line(places, frame.d));
  losses.cursor.setAttribute("d", `M${losses.x(frame.step)} ${losses.top}V${losses.bottom}`);
  for (const [name, dot] of Object.entries(losses.dots)) {
    dot.style.display = name in frame ? "" : "none";
    if (name in frame) {
      dot.setAttribute("cx", losses.x(frame.step));
      dot.setAttribute("cy", losses.y(frame[name]));
    }
    element(name).textContent = name in frame ? frame[name].toFixed(3) : "none yet";
  }
  element("w1").textContent = frame.w1.toFixed(3);
  element("where").textContent = `step ${frame.step}`;
  slider.value = current;
  slider.setAttribute("aria-valuetext", `step ${frame.step} of ${lastStep}`);
  const lowest = Math.min(...frame.d).toFixed(2), highest = Math.max(...frame.d).toFixed(2);
  densities.svg.setAttribute("aria-label",
    `Densities at step ${frame.step}: the data has peaks at -2 and 2; the generator's Wasserstein distance from it is ${frame.w1.toFixed(2)}.`);
  answers.svg.setAttribute("aria-label", `How likely the discriminator believes a point to be real: at step ${frame.step} its answers lie between ${lowest} and ${highest}.`);
  losses.svg.setAttribute("aria-label", `Losses over ${lastStep} steps, with a cursor at step ${frame.step}.`);
}

function setPlaying(value) {
  playing = value;
  play.textContent = playing ? "Pause" : "Play";
  play.setAttribute("aria-pressed", playing);
  if (playing) {
    if (current === last) show(0);
    due = performance.now() + FRAME_MS;
    requestAnimationFrame(tick);
  }
}

function tick(now) {
  if (!playing) return;
  if (now >= due) {
    // A slow machine leaves frames out rather than time.
    const count = 1 + Math.floor((now - due) / FRAME_MS);
    due += count * FRAME_MS;
    show(current + count);
    if (current === last) return setPlaying(false);
  }
  requestAnimationFrame(tick);
}

const MOVES = {ArrowLeft: -1, ArrowRight: 1};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && event.target !== play) setPlaying(!playing);
  else if (event.key in MOVES) { setPlaying(false); show(current + MOVES[event.key]); }
  else return;
  event.preventDefault();
});
play.addEventListener("click", () => setPlaying(!playing));
slider.addEventListener("input", () => { setPlaying(false); show(Number(slider.value)); });
slider.max = last;
element("about").textContent = `Trained with keras_gan on ${backend}, seed ${seed}: ${lastStep} steps, shown every ${frames[1].step}. Losses are those of the game, without the penalty; peaks of a density are cut at 0.8.`;
new ResizeObserver(layout).observe(document.querySelector("main"));
layout();
</script>
</body>
</html>
"""

# %%
contents = json.dumps(
    {
        "places": PLACES.round(3).tolist(),
        "data": DATA_DENSITY.round(4).tolist(),
        "frames": frames,
        "backend": keras.backend.backend(),
        "seed": SEED,
    },
    separators=(",", ":"),
)
OUT.mkdir(parents=True, exist_ok=True)
(OUT / "minimax_dance.html").write_text(PAGE.replace("FRAMES", contents), encoding="utf-8")
print(f"open {OUT / 'minimax_dance.html'} in a browser")
