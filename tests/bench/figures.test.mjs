// Percentiles and medians, against their definitions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "../../bench/large-library.mjs";
import { median, percentile } from "../../bench/counting/figures.mjs";

const random = randomOf(7);
const lists = Array.from({ length: 200 }, (_, length) => Array.from({ length: length + 1 }, () => Math.floor(random() * 50)));

test("a percentile is the least value that a share of the values does not exceed", () => {
  for (const values of lists) {
    for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
      const isEnough = (value) => values.filter((other) => other <= value).length >= share * values.length;
      const expected = Math.min(...values.filter(isEnough));
      assert.equal(percentile(values, share), expected, `${share} of ${values}`);
    }
  }
});

test("a median has as many values below it as above", () => {
  for (const values of lists) {
    const middle = median(values);
    const below = values.filter((value) => value < middle).length;
    const above = values.filter((value) => value > middle).length;
    assert.ok(2 * below <= values.length && 2 * above <= values.length, `${middle} of ${values}`);
  }
  assert.equal(median([1, 2, 3, 10]), 2.5);
});

test("of nothing there is neither", () => {
  assert.deepEqual([percentile([], 0.5), median([])], [null, null]);
});
