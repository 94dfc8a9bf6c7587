/**
 * The functions of `/pm.mjs`. `/pm.js` has the same as `pm`; `/pm-count.js` has `view`, `copy` and `track`.
 *
 * TypeScript does not follow addresses: keep this file beside your sources, and name it in tsconfig.json:
 * `"paths": { "https://count.example/pm.mjs": ["./pm.d.ts"] }`.
 *
 * No function throws, and no promise is rejected.
 */

/** Counts a view of a prompt. Elements with `data-prompt-id` need no call. */
export function view(promptId: string): Promise<void>;

/** Counts a copy of a prompt. Clicks on elements with `data-prompt-copy` need no call. */
export function copy(promptId: string): Promise<void>;

/**
 * The key of a variant, or `undefined` for who takes no part: show what you show to everybody. The unit is the session,
 * that is the tab, unless another is given, such as a user's id: then the exposure and the conversions of the experiment are
 * counted for that unit, however many tabs it has. With an id the worker is asked; with a declaration no request is needed.
 * Sends an exposure, once in a tab.
 */
export function variant(experiment: string | Declaration, unit?: string): Promise<string | undefined>;

/** Tells that what the experiment is for has happened in this session; or that a metric of it has. */
export function convert(experiment: string | Declaration, properties?: Properties): Promise<void>;

/** Sends an event. It gets an `id` if it has none, and the session if it is of an experiment. */
export function track(event: PromptEvent | ExperimentEvent): Promise<void>;

/** A declaration, or this part of what `PUT /v1/experiments/{id}` answers. */
export interface Declaration {
  experiment_id: string;
  variants: { key: string; weight: number }[];
  coverage: number;
  seed: string;
  hash_version: number;
  namespace?: [name: string, start: number, end: number] | null;
  status: "draft" | "running" | "stopped";
}

export interface Properties {
  /** Makes it a conversion of this metric alone. */
  metric?: string;
  /** The metric's value. */
  value?: number;
  [name: string]: unknown;
}

export interface PromptEvent {
  type: "view" | "copy";
  prompt_id: string;
  /** 1 to 64 characters: what has the same id is counted once. */
  id?: string;
  /** Milliseconds since 1970. */
  timestamp?: number;
}

export interface ExperimentEvent {
  type: "pageview" | "exposure" | "conversion";
  experiment_id: string;
  /** An exposure needs it. */
  variant_key?: string;
  session_id?: string;
  project_id?: string;
  view_id?: string;
  properties?: Properties;
  id?: string;
  timestamp?: number;
}

declare global {
  /** What `/pm.js` gives a page. */
  var pm: {
    view: typeof view;
    copy: typeof copy;
    variant: typeof variant;
    convert: typeof convert;
    track: typeof track;
  };
}
