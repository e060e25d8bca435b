// The slice of the loss around the trained weights, and optimizers racing on it.

const slice = facts.landscape, places = slice.at, RACE = 60;
const reach = places.at(-1), spacing = places[1] - places[0];
const racers = { kind: ["gradient-descent", "momentum", "adam"], start: [0.75 * reach, 0.55 * reach], rate: 1, steps: RACE };

// Catmull and Rom's cubic through four neighbours, and its slope.
const cubic = (t) => [(-t + 2 * t * t - t ** 3) / 2, (2 - 5 * t * t + 3 * t ** 3) / 2,
  (t + 4 * t * t - 3 * t ** 3) / 2, (-t * t + t ** 3) / 2];
const cubicSlope = (t) => [(-1 + 4 * t - 3 * t * t) / 2, (-10 * t + 9 * t * t) / 2,
  (1 + 8 * t - 9 * t * t) / 2, (-2 * t + 3 * t * t) / 2];

// The loss at (a, b) between the measured places, and its gradient.
function surface(a, b) {
  const last = places.length - 1;
  const cell = (v) => Math.min(last - 1, Math.max(0, Math.floor((v + reach) / spacing)));
  const [i, j] = [cell(a), cell(b)];
  const [s, t] = [(a - places[i]) / spacing, (b - places[j]) / spacing];
  const along = [cubic(s), cubicSlope(s)], across = [cubic(t), cubicSlope(t)];
  const sums = [0, 0, 0];
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 4; x++) {
      const row = slice.losses[Math.min(last, Math.max(0, j + y - 1))];
      const loss = row[Math.min(last, Math.max(0, i + x - 1))];
      sums[0] += loss * along[0][x] * across[0][y];
      sums[1] += (loss * along[1][x] * across[0][y]) / spacing;
      sums[2] += (loss * along[0][x] * across[1][y]) / spacing;
    }
  }
  return { loss: sums[0], slope: [sums[1], sums[2]] };
}

// The first step of plain descent is a twelfth of the slice long; the others suit that.
function raceRate(kind) {
  const { slope } = surface(...racers.start), length = Math.hypot(...slope) || 1;
  const base = { "gradient-descent": reach / 12 / length, momentum: reach / 30 / length, adam: reach / 15 };
  return base[kind] * racers.rate;
}

function raceOf(kind) {
  const eta = raceRate(kind), path = [];
  let at = racers.start.slice(), m = [0, 0], v = [0, 0];
  for (let t = 1; t <= RACE + 1; t++) {
    const { loss, slope } = surface(...at);
    path.push({ at, loss });
    at = at.map((w, k) => {
      const g = slope[k];
      if (kind === "gradient-descent") return w - eta * g;
      if (kind === "momentum") return w + (v[k] = MOMENTUM * v[k] - eta * g);
      m[k] += (g - m[k]) * (1 - BETA_1);
      v[k] += (g * g - v[k]) * (1 - BETA_2);
      const alpha = (eta * Math.sqrt(1 - BETA_2 ** t)) / (1 - BETA_1 ** t);
      return w - (alpha * m[k]) / (Math.sqrt(v[k]) + TINY);
    }).map((w) => Math.min(reach, Math.max(-reach, w)));
  }
  return path;
}

chapters.push(function drawRace() {
  drawn("landscape", slice.losses.flat());
  fill("slice-rows", number("landscape/rows", slice.n));
  const middle = (places.length - 1) / 2;
  fill("slice-centre", number("landscape/centre", slice.losses[middle][middle]));
  paintSlice(find("slice-map"));
  const paths = racers.kind.map((kind) => ({ kind, path: raceOf(kind) }));
  const spot = ([a, b]) => `${(((a + reach) / (2 * reach)) * 300).toFixed(1)},${(((reach - b) / (2 * reach)) * 300).toFixed(1)}`;
  put("slice-paths", paths.map(({ kind, path }) => {
    const walked = path.slice(0, racers.steps + 1), [x, y] = spot(walked.at(-1).at).split(",");
    return `<polyline class="path ${kind}" points="${walked.map((p) => spot(p.at)).join(" ")}"/>
      <circle class="runner ${kind}" cx="${x}" cy="${y}" r="5"/>`;
  }).join("") + `<path class="centre" d="M144 150h12M150 144v12"/>`);
  put("race-rows", paths.map(({ kind, path }) => {
    const here = path[racers.steps];
    path.forEach((p, t) => {
      shown.values[`race/${kind}/${t}/loss`] = p.loss;
      shown.values[`race/${kind}/${t}/a`] = p.at[0];
      shown.values[`race/${kind}/${t}/b`] = p.at[1];
    });
    return `<tr><th scope="row"><i class="key ${kind}"></i>${escaped(say(`optimizer-${kind}`))}</th>
      <td class="num">${number(`race/${kind}/rate`, raceRate(kind))}</td>
      <td class="num">${numberText(path[0].loss)}</td><td class="num strong">${numberText(here.loss)}</td></tr>`;
  }).join(""));
  fill("race-step", String(racers.steps));
});

// Light where the loss is small; contours at equal steps of its logarithm.
function paintSlice(canvas) {
  const side = 220, image = (canvas.width = canvas.height = side) && canvas.getContext("2d").createImageData(side, side);
  const logs = slice.losses.flat().map((loss) => Math.log(Math.max(loss, 1e-9)));
  const low = Math.min(...logs), span = Math.max(...logs) - low || 1;
  const at = (x, y) => {
    const { loss } = surface(((x + 0.5) / side) * 2 * reach - reach, reach - ((y + 0.5) / side) * 2 * reach);
    return Math.min(1, Math.max(0, (Math.log(Math.max(loss, 1e-9)) - low) / span));
  };
  const shares = Float64Array.from({ length: side * side }, (_, i) => at(i % side, Math.floor(i / side)));
  const band = (i) => Math.floor((shares[i] ?? 0) * 12);
  shares.forEach((share, i) => {
    const edge = (i % side && band(i) !== band(i - 1)) || (i >= side && band(i) !== band(i - side));
    image.data.set([...signed(-(share * 0.8 + (edge ? 0.2 : 0))), 255], i * 4);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

let racing = null;
function playRace() {
  clearInterval(racing);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) racers.steps = RACE;
  else {
    racers.steps = 0;
    racing = setInterval(() => {
      racers.steps += 1;
      find("race-steps").value = racers.steps;
      if (racers.steps >= RACE) clearInterval(racing);
      redrawRace();
    }, 60);
  }
  redrawRace();
}

const redrawRace = () => chapters.find((chapter) => chapter.name === "drawRace")();
