import { expect, it } from "vitest";
import { Counter, Gauge, Histogram } from "./prometheus.ts";

it("writes counters by their labels, escaped", () => {
  const counter = new Counter("a_total", "Things.");
  counter.add();
  counter.add(2, { kind: 'x"y\\z\n' });
  counter.add(3, { kind: 'x"y\\z\n' });
  expect(counter.text()).toBe(
    '# HELP a_total Things.\n# TYPE a_total counter\na_total 1\na_total{kind="x\\"y\\\\z\\n"} 5\n',
  );
});

it("looks gauges up when they are written", () => {
  let value = 1;
  const gauge = new Gauge("b", "Now.", () => [[{}, value]]);
  value = 2;
  expect(gauge.text()).toBe("# HELP b Now.\n# TYPE b gauge\nb 2\n");
});

it("counts in histograms all that is at most a bound", () => {
  const histogram = new Histogram("c", "How long.", [1, 10]);
  for (const value of [0.5, 1, 5, 10, 11]) histogram.observe(value);
  expect(histogram.text()).toBe(
    '# HELP c How long.\n# TYPE c histogram\nc_bucket{le="1"} 2\nc_bucket{le="10"} 4\nc_bucket{le="+Inf"} 5\nc_sum 27.5\nc_count 5\n',
  );
});
