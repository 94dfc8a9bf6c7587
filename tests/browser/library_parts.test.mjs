// Parts of the demo library that need no browser.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseEnv } from "node:util";
import { JWT_SECRET, SERVICE_KEY, signed } from "../../public/library/development.mjs";
import { comparisonAddress, listAddress, promptAddress, read } from "../../public/library/route.mjs";
import { filled, parsed } from "../../public/library/variables.mjs";
import { ROOT } from "../worker/instance.mjs";

const file = (name) => readFile(join(ROOT, name), "utf8");

describe("variables", () => {
  const VALUES = new Map(
    Object.entries({ topic: "bees", language: "Welsh", "Team Name": "Owls", KNOWLEDGE_BASE: "notes", "USER NAME": "Ann" }),
  );
  for (const [template, labels, expected, declared] of [
    ["On ${topic}", ["Topic"], "On bees"],
    ["On ${topic} and ${topic}, in ${language:English}", ["Topic", "Language"], "On bees and bees, in Welsh"],
    ["{{ topic }}{{topic}}", ["Topic"], "beesbees"],
    ["The ${Team Name:Hawks}", ["Team name"], "The Owls"],
    ["{{KNOWLEDGE\\_BASE}}", ["Knowledge base"], "notes"],
    ["Dear [USER NAME]", ["User name"], "Dear Ann"],
    ["Dear \\[USER NAME]", ["User name"], "Dear Ann"],
    ["${topic} beside [USER NAME]", ["Topic"], "bees beside [USER NAME]"],
    ["[README](https://prompts.example), [x], [1], a[0]", [], null],
    ["${}, {{}}, {{#each}}, ${rows.map((row) => row)}, $topic, {topic}", [], null],
    ["${projectName} stays", ["Project name"], null],
    ["${projectName}", ["Project name"], null, { projectName: "no list" }],
    ["no variable", [], null],
    ["", [], null],
  ]) {
    test(template || "nothing", () => {
      const { parts, variables } = parsed(template, declared);
      assert.deepEqual(variables.map(({ label }) => label), labels);
      assert.equal(filled(parts, VALUES), expected ?? template);
      assert.equal(filled(parts, new Map()), template);
    });
  }

  for (const [template, declared, values] of [
    ["${language:English}", null, ["English"]],
    ["${language} ${language:English}", null, ["English"]],
    ["${language:English}", [{ name: "language", default: "Welsh" }], ["English"]],
    ["${language}", [{ name: "language", default: "Welsh" }], ["Welsh"]],
    ["${language}", [null, 1, { name: "language", default: 7 }], [""]],
    ["[USER NAME]", [{ name: "USER NAME", default: "Ann" }], ["Ann"]],
  ]) {
    test(`${template} with ${JSON.stringify(declared)}`, () => {
      assert.deepEqual(parsed(template, declared).variables.map(({ value }) => value), values);
    });
  }
});

describe("addresses", () => {
  const STRANGE = `a/b?c=d&e#f%g "h" <i>`;
  for (const [hash, expected] of [
    ["", { page: "list", q: "", category: "" }],
    ["#", { page: "list", q: "", category: "" }],
    ["#/?q=%20two%20words&category=a%26b", { page: "list", q: "two words", category: "a&b" }],
    [listAddress({ q: STRANGE, category: STRANGE }), { page: "list", q: STRANGE, category: STRANGE }],
    ["#/mine", { page: "mine" }],
    ["#/prompts/slug", { page: "prompt", name: "slug" }],
    [promptAddress({ id: "1", slug: STRANGE }), { page: "prompt", name: STRANGE }],
    [promptAddress({ id: "1", slug: null }), { page: "prompt", name: "1" }],
    [comparisonAddress({ slug: "one" }, { id: "2" }), { page: "comparison", names: ["one", "2"] }],
    ["#/prompts", { page: "unknown" }],
    ["#/prompts/a/b", { page: "unknown" }],
    ["#/compare/a", { page: "unknown" }],
    ["#/mine/a", { page: "unknown" }],
    ["#/prompts/%zz", { page: "unknown" }],
    ["#/?q=%zz", { page: "list", q: "%zz", category: "" }],
    ["#/constructor", { page: "unknown" }],
  ]) {
    test(hash || "none", () => assert.deepEqual(read(hash), expected));
  }
});

test("the development keys are those of .dev.vars.example, and sign tokens", async () => {
  const settings = parseEnv(await file(".dev.vars.example"));
  assert.deepEqual([settings.SERVICE_KEY, settings.JWT_SECRET], [SERVICE_KEY, JWT_SECRET]);
  const [head, claims, signature] = (await signed("somebody")).split(".");
  const decoded = JSON.parse(Buffer.from(claims, "base64url"));
  assert.deepEqual([decoded.sub, decoded.role, decoded.exp - decoded.iat], ["somebody", "authenticated", 86_400]);
  assert.equal(signature, createHmac("sha256", JWT_SECRET).update(`${head}.${claims}`).digest("base64url"));
});

test("the sample is thirty prompts, each with a template, variables and a place of its own", async () => {
  const { prompts } = JSON.parse(await file("public/library/sample.json"));
  assert.equal(prompts.length, 30);
  for (const column of ["id", "template_id", "slug", "title"]) {
    assert.equal(new Set(prompts.map((prompt) => prompt[column])).size, 30, column);
  }
  for (const { title, goal, category, tags, template, variables } of prompts) {
    const names = parsed(template, null).variables.map(({ name, value }) => ({ name, default: value || null }));
    assert.deepEqual(variables, names, title);
    assert.ok(names.length > 0 && goal && category && tags.length > 0, title);
  }
});
