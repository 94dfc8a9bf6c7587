// What a prompt comes from, and the tree of its forks.
import { path, withQuery } from "./api.mjs";
import { element, section } from "./elements.mjs";
import { whole } from "./format.mjs";
import { promptLink } from "./lists.mjs";
import { source } from "./source.mjs";
import { more } from "./table.mjs";

const [DEPTH, BREADTH] = [3, 10];

const addressOf = (id, cursor) => withQuery(path`/v1/prompts/${id}/lineage`, { depth: DEPTH, breadth: BREADTH, cursor });

export const lineageSection = (api, id) => section("Lineage", () => lineage(api, id));

function counts(node) {
  const told = [`${whole(node.viewCount)} views`, `${whole(node.copyCount)} copies`, `${whole(node.children)} forks`];
  if (node.descendants > node.children) told.push(`${whole(node.descendants)} forks in all`);
  return element("span", { class: "quiet" }, ` ${told.join(", ")}`);
}

/** A place of the tree: the prompt that stands there, or that one is hidden. */
const place = (node) => (node.hidden ? "a prompt that is gone" : [promptLink(node), counts(node)]);

function forks(api, id, { forks: nodes, next_cursor: cursor }) {
  const list = element(
    "ul",
    {},
    nodes.map((node) => branch(api, id, node)),
  );
  if (!cursor) return nodes.length ? list : null;
  const holder = element("li");
  const load = async () => {
    const page = await api.get(addressOf(id, cursor));
    const next = forks(api, id, page);
    holder.before(...(next ? [...next.children] : []));
    holder.remove();
    return false;
  };
  holder.append(more(load, "More forks"));
  list.append(holder);
  return list;
}

const branch = (api, id, node) => element("li", {}, place(node), forks(api, id, node));

async function lineage(api, id) {
  const address = addressOf(id);
  const { prompt, ancestors } = await api.get(address);
  const line = ancestors.toReversed().map((ancestor) => element("li", {}, place(ancestor)));
  const tree = element(
    "ul",
    { class: "tree" },
    element("li", {}, element("strong", {}, prompt.title), counts(prompt), forks(api, id, prompt)),
  );
  const { credited, descendants, privateChildren } = prompt;
  const credit = `viewed ${whole(credited.viewCount)} times and copied ${whole(credited.copyCount)} times`;
  return [
    line.length > 0 && [element("h3", {}, "It comes from"), element("ol", {}, line)],
    element("h3", {}, "Its forks"),
    descendants > 0
      ? element("p", {}, `All ${whole(descendants)} forks below it were ${credit}.`, privateChildren > 0 && ` ${whole(privateChildren)} of its own are private.`)
      : element("p", {}, "It has no forks."),
    tree,
    source(address),
  ];
}
