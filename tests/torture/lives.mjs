// The lives of an instance, and when they end, as the seed has it.
import { setTimeout as pause } from "node:timers/promises";

/** At what age lives end, of 100: before it listens or while it starts, just after the first acknowledged write, after some requests. */
const AGES = { unborn: 8, young: 20, grown: 72 };
const UNBORN_MS = 150;
const YOUNG_MS = 40;
const REQUESTS = [5, 130];
/** How many lives in a row have the same limit above which a counter spreads. */
const HEAT_LIVES = 10;
/** The first of each ten hot ones lasts until a counter has spread; one calm one of a hundred until one has folded back. */
const [OLD_MS, VERY_OLD_MS] = [3500, 13_000];
const [VERY_OLD_EVERY, VERY_OLD] = [100, 20];

/** The plan of the life with this number, from 0: its age, and its settings. */
export function planLife(random, number, { ages = AGES } = {}) {
  const heat = Math.floor(number / HEAT_LIVES) % 2 === 1 ? "hot" : "calm";
  const drawn = random.weighted(ages);
  const isOld = heat === "hot" && number % HEAT_LIVES === 0;
  const isVeryOld = number % VERY_OLD_EVERY === VERY_OLD;
  const age = isVeryOld ? "veryOld" : isOld ? "old" : drawn;
  const requests = random.between(...REQUESTS);
  const after = random.below(age === "unborn" ? UNBORN_MS : YOUNG_MS);
  return { age, heat, requests, after };
}

/** Waits until the life with this plan is to end. */
export async function endOf({ age, requests, after }, life) {
  if (age === "young") await life.reaches(1);
  if (age === "grown") await life.reaches(requests);
  if (age === "old" || age === "veryOld") {
    await life.reaches(1);
    await pause(age === "old" ? OLD_MS : VERY_OLD_MS);
  }
  await pause(after);
}

/** What clients know of a life, and what the one who ends it waits for. */
export class Life {
  isOn = true;
  /** Whether its disk has faults. */
  mayFail = false;
  #acknowledged = 0;
  #failed = 0;
  #waiting = [];
  #onFirst;

  constructor(url, onFirst) {
    [this.url, this.#onFirst] = [url, onFirst];
  }

  /** A request was acknowledged that had something new in it. */
  acknowledged() {
    this.#acknowledged++;
    if (this.#acknowledged === 1) this.#onFirst();
    this.#wake();
  }

  /** A request was answered with a failure. */
  failed() {
    this.#failed++;
    this.#wake();
  }

  /** Waits until so many requests were acknowledged. */
  reaches(requests) {
    return this.#until(() => this.#acknowledged >= requests);
  }

  /** Waits until so many more were acknowledged. */
  reachesMore(requests) {
    return this.reaches(this.#acknowledged + requests);
  }

  /** Waits until so many were answered with a failure. */
  fails(requests) {
    return this.#until(() => this.#failed >= requests);
  }

  #until(isMet) {
    return new Promise((resolve) => {
      this.#waiting.push({ isMet, resolve });
      this.#wake();
    });
  }

  #wake() {
    this.#waiting = this.#waiting.filter(({ isMet, resolve }) => !isMet() || resolve());
  }
}
