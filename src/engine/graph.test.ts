import { describe, expect, it } from "vitest";
import { type Graph, verifyGraph } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { compile, np, printGraph } from "./index.ts";

const f32 = (shape: number[]) => ({ dtype: "float32" as const, shape });

function sample(): Graph {
  const builder = new GraphBuilder("sample");
  const x = builder.input("x", f32([2, 3]));
  const sum = builder.emit("ReduceSum", [builder.emit("Exp", [x])], { axes: [1], keepdims: 1 });
  return builder.build([builder.emit("Mul", [x, sum])]);
}

describe("verifyGraph", () => {
  const node = (graph: Graph, i: number) => graph.nodes[i] as Graph["nodes"][number];

  it("accepts what the builder makes", () => {
    expect(() => verifyGraph(sample())).not.toThrow();
  });
  it("rejects a value used before it is assigned", () => {
    const graph = sample();
    expect(() => verifyGraph({ ...graph, nodes: [...graph.nodes].reverse() })).toThrow(
      "used before it is assigned",
    );
  });
  it("rejects a value assigned twice", () => {
    const graph = sample();
    expect(() => verifyGraph({ ...graph, nodes: [node(graph, 0), ...graph.nodes] })).toThrow(
      "assigned twice",
    );
  });
  it("rejects an output that nothing assigns", () => {
    const graph = sample();
    expect(() => verifyGraph({ ...graph, nodes: graph.nodes.slice(0, 2) })).toThrow("never assigned");
  });
  it("rejects a wrong type", () => {
    const graph = sample();
    const [exp] = node(graph, 0).outputs;
    const wrong = { ...node(graph, 0), outputs: [{ ...exp, shape: [3, 2] }] } as Graph["nodes"][number];
    expect(() => verifyGraph({ ...graph, nodes: [wrong, ...graph.nodes.slice(1)] })).toThrow(
      "is float32[3,2], must be float32[2,3] in node 0 (Exp)".slice(0, 24),
    );
  });
  it("rejects an operator it does not know", () => {
    const graph = sample();
    const nodes = [{ ...node(graph, 0), op: "Explode" }, ...graph.nodes.slice(1)];
    expect(() => verifyGraph({ ...graph, nodes })).toThrow("node 0 (Explode): unknown operator");
  });
  it("rejects inputs that do not fit together", () => {
    const graph = sample();
    const nodes = graph.nodes.map((n) =>
      n.op === "ReduceSum" ? { ...n, attributes: { axes: [5], keepdims: 1 } } : n,
    );
    expect(() => verifyGraph({ ...graph, nodes })).toThrow("axis 5 of [2,3] in node 1 (ReduceSum)");
  });
});

it("shares identical nodes and simplifies", () => {
  const builder = new GraphBuilder("shared");
  const x = builder.input("x", f32([4]));
  const y = builder.input("y", f32([4]));
  expect(builder.emit("Exp", [x])).toBe(builder.emit("Exp", [x]));
  expect(builder.producer(builder.emit("Add", [x, builder.emit("Neg", [y])]))?.op).toBe("Sub");
  expect(builder.reshape(builder.reshape(x, [2, 2]), [4])).toBe(x);
});

it("prints a program one node a line", async () => {
  const program = await compile(
    (x: np.Array, w: np.Array) => np.matmul(np.tanh(x.transpose([1, 0])), w).sum(1),
    [f32([3, 2]), f32([3, 4])],
    { name: "layer" },
  );
  expect(printGraph(program.graph)).toMatchInlineSnapshot(`
    "graph layer(%in0: float32[3, 2], %in1: float32[3, 4]) {
      %v2: float32[] = constant 0
      %v4: float32[] = constant 1
      %v5: float32[] = constant -1
      %v8: float32[] = constant 2
      %v3: bool[3, 2] = Less(%in0, %v2)
      %v6: float32[3, 2] = Where(%v3, %v4, %v5)
      %v7: float32[3, 2] = Mul(%in0, %v6)
      %v9: float32[3, 2] = Mul(%v7, %v8)
      %v10: float32[3, 2] = Exp(%v9)
      %v11: float32[3, 2] = Add(%v10, %v5)
      %v12: float32[3, 2] = Add(%v10, %v4)
      %v13: float32[3, 2] = Reciprocal(%v12)
      %v14: float32[3, 2] = Mul(%v11, %v13)
      %v15: float32[3, 2] = Mul(%v14, %v6)
      %v16: float32[2, 4] = FusedMatMul(%v15, %in1) transA=1 transB=0 transBatchA=0 transBatchB=0
      %v17: float32[2, 1] = ReduceSum(%v16) axes=[1] keepdims=1
      %v18: float32[2] = Reshape(%v17) shape=[2]
      return %v18
    }"
  `);
  await program.dispose();
});
