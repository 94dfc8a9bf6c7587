// Assignments are those of GrowthBook's SDK: the package itself is asked about the same units and declarations.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GrowthBook } from "@growthbook/growthbook";
import { service, start } from "./instance.mjs";

const instance = await start();

const UNITS = [
  ...Array.from({ length: 15 }, (_, index) => String(index)),
  ...Array.from({ length: 15 }, (_, index) => `user-${index * 7919}@example.com`),
  ...Array.from({ length: 8 }, (_, index) => `00000000-0000-4000-8000-${String(index ** 5).padStart(12, "0")}`),
  ...Array.from({ length: 8 }, (_, index) => `Müller ${index}`),
  ...Array.from({ length: 8 }, (_, index) => `日本語 ${index}`),
  ...Array.from({ length: 8 }, (_, index) => `${String.fromCodePoint(0x1f600 + index)}👩‍👩‍👧`),
  ...["é", "e\u0301", "\uffff", "\u{10ffff}", " ", "a b", "a+b", "a%20b", "100%", "?unit=x&unit=y", "#", "x".repeat(128), "😀".repeat(128)],
];

const keys = (count) => Array.from({ length: count }, (_, index) => `variant ${index}`);
const weighted = (...weights) => keys(weights.length).map((key, index) => ({ key, weight: weights[index] }));
const equal = (count) => keys(count).map((key) => ({ key }));

const DECLARATIONS = {
  "two of the same weight": { variants: equal(2) },
  "three of the same weight": { variants: equal(3) },
  "six of the same weight": { variants: equal(6) },
  "sevenths that are written out": { variants: weighted(...Array(7).fill(1 / 7)) },
  "thirty-seven of the same weight": { variants: equal(37) },
  "a hundred of the same weight": { variants: equal(100) },
  "different weights": { variants: weighted(0.2, 0.3, 0.5) },
  "tenths, whose sum is not quite 1": { variants: weighted(...Array(10).fill(0.1)) },
  "weights with a nobody": { variants: weighted(0.5, 0, 0.5) },
  "weights that exceed 1 by little": { variants: weighted(0.3333336, 0.3333336, 0.3333336) },
  "a small variant": { variants: weighted(0.0001, 0.9999) },
  "half of the units": { variants: weighted(0.2, 0.3, 0.5), coverage: 0.5 },
  "a tenth of the units": { variants: equal(3), coverage: 0.1 },
  "coverage with many digits": { variants: equal(7), coverage: 0.1 + 0.2 },
  "nobody": { variants: equal(2), coverage: 0 },
  "another seed": { variants: weighted(0.2, 0.3, 0.5), seed: "prompt_experiment" },
  "a seed of a script and a picture": { variants: equal(4), seed: "ключ 🔑" },
  "the first part of a namespace": { variants: equal(2), namespace: ["layer", 0, 0.4] },
  "the second part of it": { variants: equal(2), namespace: ["layer", 0.4, 1] },
  "a part of a part": { variants: weighted(0.1, 0.9), coverage: 0.7, seed: "s", namespace: ["ключ 🔑", 0.333, 0.667] },
};

/** What GrowthBook says of a unit. */
function expected(id, { variants, coverage, seed, namespace, hash_version }, unit) {
  const growthbook = new GrowthBook({ attributes: { id: unit } });
  const weights = variants[0].weight === undefined ? undefined : variants.map(({ weight }) => weight);
  const experiment = { key: id, variations: variants.map(({ key }) => key), weights, coverage, seed, namespace, hashVersion: hash_version };
  const { inExperiment, variationId, value, bucket } = growthbook.run(experiment);
  growthbook.destroy();
  return inExperiment ? { in_experiment: true, variant: value, variation: variationId, bucket } : { in_experiment: false, variant: null, variation: null };
}

async function assigned(id, unit) {
  const { status, body } = await instance.get(`/v1/experiments/${encodeURIComponent(id)}/assignment?unit=${encodeURIComponent(unit)}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.experiment_id, body.unit], [id, unit]);
  return body;
}

for (const hash_version of [1, 2]) {
  describe(`hash version ${hash_version}`, () => {
    for (const [name, fields] of Object.entries(DECLARATIONS)) {
      test(name, async () => {
        const [id, declaration] = [`${name} ${hash_version}`, { ...fields, hash_version }];
        const { status } = await instance.send("PUT", `/v1/experiments/${encodeURIComponent(id)}`, { as: service, body: { ...declaration, status: "running" } });
        assert.equal(status, 201);
        const answers = await Promise.all(UNITS.map((unit) => assigned(id, unit)));
        const count = { assigned: 0 };
        for (const [index, { in_experiment, variant, variation, bucket, reason }] of answers.entries()) {
          const known = expected(id, declaration, UNITS[index]);
          const told = { in_experiment, variant, variation, ...(in_experiment && { bucket }) };
          assert.deepEqual(told, known, `${UNITS[index]}: ${reason}`);
          assert.equal(reason === null, in_experiment);
          count.assigned += in_experiment;
        }
        assert.equal(count.assigned > 0, fields.coverage !== 0);
      });
    }
  });
}
