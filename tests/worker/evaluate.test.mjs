// POST /v1/experiments/evaluate: a judgement on counts that the caller brings, for anyone, and nothing is stored.
import assert from "node:assert/strict";
import { test } from "node:test";
import { anonymous, service, start, user } from "./instance.mjs";

const instance = await start();
const PATH = "/v1/experiments/evaluate";

const control = { key: "control", sessions: 10_000, conversions: 1000 };
const green = { key: "green", sessions: 10_000, conversions: 1400 };
const two = { variants: [control, green] };

/** Checks what a body is answered: `expected` gives the parts of the answer that matter here. */
function check(name, body, status, expected, options) {
  test(name, async () => {
    const before = await instance.stored({ except: ["users"] });
    const answer = await instance.post(PATH, body, options);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.partialDeepStrictEqual(answer.body, expected);
    assert.deepEqual(await instance.stored({ except: ["users"] }), before);
  });
}

check("two variants", two, 200, {
  verdict: "green is better",
  variants: [{ ...control, rate: 0.1 }, { ...green, rate: 0.14 }],
  comparisons: [{ baseline: "control", variant: "green" }],
  sample_ratio: { p_value: 1, sequential_p_value: 1, mismatch: false },
});
check("another baseline", { ...two, baseline: "green" }, 200, { verdict: "green is better", comparisons: [{ baseline: "green", variant: "control" }] });
check("weights", { variants: [{ ...control, weight: 0.9 }, { ...green, weight: 0.1 }] }, 200, { verdict: "do not trust: sample ratio", sample_ratio: { mismatch: true } });
check("a plan", { ...two, minimum_detectable_effect: 0.1, power: 0.9 }, 200, { sessions_per_variant: 19_744 });
check("counts by a user", two, 200, { verdict: "green is better" }, { as: user("0199a7f0-0000-7000-8000-000000000001") });
check("counts by the service", two, 200, { verdict: "green is better" }, { as: service });

for (const [name, more, verdict] of [
  ["no sessions", { sessions: 0, conversions: 0 }, "not enough data"],
  ["one session", { sessions: 1, conversions: 1 }, "not enough data"],
  ["no conversions", { conversions: 0 }, "not enough data"],
  ["equal arms", {}, "no difference yet"],
  ["10^9 sessions", { sessions: 1e9, conversions: 1e8 }, "no difference yet"],
]) {
  const variants = [{ ...control, ...more }, { ...control, ...more, key: "green" }];
  check(`${name} in each variant`, { variants }, 200, { verdict, comparisons: [{ absolute: { estimate: more.sessions === 0 ? null : 0 } }] });
}

test("the answer has no number that JSON has not, and no p-value of 0", async () => {
  for (const [a, b] of [[control, { ...green, conversions: 10_000 }], [control, { ...green, conversions: 9990 }], [{ ...control, sessions: 1e12, conversions: 1e11 }, { ...green, sessions: 1e12, conversions: 9e11 }]]) {
    const { body } = await instance.post(PATH, { variants: [a, b] });
    const { absolute, relative, chance_to_win } = body.comparisons[0];
    for (const effect of [absolute, relative]) {
      const figures = [effect.p_value, effect.sequential_p_value];
      if (effect.reason) assert.deepEqual(figures, [null, null]);
      else assert.ok(figures.every((p_value) => p_value > 0 && p_value < 1e-100), JSON.stringify(effect));
    }
    assert.equal(chance_to_win, 1);
  }
});

const bad = (more) => ({ variants: [control, { ...green, ...more }] });
for (const [name, body, code, pointer] of [
  ["no body", "", "invalid_json"],
  ["a list", [control, green], "invalid_type"],
  ["no variants", {}, "missing_field", "/variants"],
  ["one variant", { variants: [control] }, "invalid_length", "/variants"],
  ["a key twice", bad({ key: "control" }), "invalid_value", "/variants/1/key"],
  ["more conversions than sessions", bad({ conversions: 10_001 }), "invalid_value", "/variants/1/conversions"],
  ["fewer sessions than none", bad({ sessions: -1 }), "invalid_value", "/variants/1/sessions"],
  ["a weight for one", bad({ weight: 0.5 }), "missing_field", "/variants/0/weight"],
  ["an unknown baseline", { ...two, baseline: "blue" }, "invalid_value", "/baseline"],
  ["an effect of nothing", { ...two, minimum_detectable_effect: 0 }, "invalid_value", "/minimum_detectable_effect"],
  ["a power of all", { ...two, power: 1 }, "invalid_value", "/power"],
]) {
  check(name, body, 400, pointer ? { code, pointer } : { code });
}

check("a body of more than 1 MiB", JSON.stringify(two).padEnd(1024 * 1024 + 1), 413, { code: "too_large" });
check("a body of another type", JSON.stringify(two), 415, { code: "unsupported_media_type" }, { as: anonymous, type: "text/plain" });
