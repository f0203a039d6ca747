/** Counters, gauges and histograms in Prometheus's text format, version 0.0.4. */

/** A metric's labels. */
export type Labels = Readonly<Record<string, string>>;

/** Something that can be written. */
export interface Metric {
  /** Its lines, each with its end. */
  text(): string;
}

const escaped = (value: string) =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function labelled(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

const head = (name: string, kind: string, help: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;

/** A number that only grows, for each set of labels. */
export class Counter implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new Map<string, number>();

  /** @param name ends in `_total` */
  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  /** Adds to it. */
  add(amount = 1, labels: Labels = {}): void {
    const name = labelled(this.#name, labels);
    this.#values.set(name, (this.#values.get(name) ?? 0) + amount);
  }

  /** Its lines. */
  text(): string {
    const lines = [...this.#values].map(([name, value]) => `${name} ${value}\n`);
    return head(this.#name, "counter", this.#help) + lines.join("");
  }
}

/** A number that is looked up when it is asked for. */
export class Gauge implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #read: () => readonly (readonly [labels: Labels, value: number])[];
  readonly #kind: "gauge" | "counter";

  /** @param kind `counter` for what only grows and is counted elsewhere */
  constructor(
    name: string,
    help: string,
    read: () => readonly (readonly [labels: Labels, value: number])[],
    kind: "gauge" | "counter" = "gauge",
  ) {
    this.#name = name;
    this.#help = help;
    this.#read = read;
    this.#kind = kind;
  }

  /** Its lines. */
  text(): string {
    const lines = this.#read().map(([labels, value]) => `${labelled(this.#name, labels)} ${value}\n`);
    return head(this.#name, this.#kind, this.#help) + lines.join("");
  }
}

/** How many observations were at most so large. */
export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** @param bounds upper ends of the buckets, ascending */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** Counts an observation. */
  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const place = this.#bounds.findIndex((bound) => value <= bound);
    if (place >= 0) this.#counts[place] = (this.#counts[place] as number) + 1;
  }

  /** Its lines. */
  text(): string {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += this.#counts[i] as number;
      return `${this.#name}_bucket{le="${bound}"} ${below}\n`;
    });
    return `${head(this.#name, "histogram", this.#help)}${buckets.join("")}${this.#name}_bucket{le="+Inf"} ${this.#count}\n${this.#name}_sum ${this.#sum}\n${this.#name}_count ${this.#count}\n`;
  }
}
