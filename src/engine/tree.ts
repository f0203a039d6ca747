/** Trees of arguments and results: nested arrays and plain objects whose leaves are tensors. */

import { UsageError } from "../base/index.ts";

/** A leaf, or an array or object of trees. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** The shape of a tree: `null` is a leaf. */
export type TreeDef = null | readonly TreeDef[] | { readonly [key: string]: TreeDef };

/** Splits a tree into its leaves, in order, and its shape. */
export function flattenTree<T>(tree: unknown, isLeaf: (value: unknown) => value is T): [T[], TreeDef] {
  const leaves: T[] = [];
  const visit = (node: unknown, path: string): TreeDef => {
    if (isLeaf(node)) {
      leaves.push(node);
      return null;
    }
    if (Array.isArray(node)) return node.map((child, i) => visit(child, `${path}[${i}]`));
    if (typeof node === "object" && node !== null && Object.getPrototypeOf(node) === Object.prototype)
      return Object.fromEntries(
        Object.entries(node).map(([key, child]) => [key, visit(child, `${path}.${key}`)]),
      );
    throw new UsageError(
      "engine-tree",
      `argument${path}: must be a tensor, an array or a plain object, got ${node === null ? "null" : typeof node}`,
      "Programs take trees whose leaves are {dtype, shape, data}.",
    );
  };
  const def = visit(tree, "");
  return [leaves, def];
}

/** The leaves of a tree that must have the shape `def`; keys are matched by name, in any order. @throws UsageError `engine-tree` */
export function leavesOf<T>(
  tree: unknown,
  def: TreeDef,
  isLeaf: (value: unknown) => value is T,
  what: string,
): T[] {
  const leaves: T[] = [];
  const visit = (node: unknown, shape: TreeDef, path: string): void => {
    if (shape === null) {
      if (!isLeaf(node))
        throw new UsageError(
          "engine-tree",
          `${what}${path}: must be a tensor, got ${node === null ? "null" : typeof node}`,
          "Pass arguments in the same tree as the example the program was compiled with.",
        );
      leaves.push(node);
    } else if (Array.isArray(shape)) {
      if (!Array.isArray(node) || node.length !== shape.length)
        throw new UsageError(
          "engine-tree",
          `${what}${path}: must be an array of ${shape.length}, got ${Array.isArray(node) ? node.length : typeof node}`,
          "Pass arguments in the same tree as the example the program was compiled with.",
        );
      shape.forEach((child, i) => {
        visit(node[i], child as TreeDef, `${path}[${i}]`);
      });
    } else {
      const object = node as Record<string, unknown>;
      for (const [key, child] of Object.entries(shape)) {
        if (typeof node !== "object" || node === null || !(key in object))
          throw new UsageError(
            "engine-tree",
            `${what}${path}: must have the key ${JSON.stringify(key)}, got none`,
            "Pass arguments in the same tree as the example the program was compiled with.",
          );
        visit(object[key], child, `${path}.${key}`);
      }
    }
  };
  visit(tree, def, "");
  return leaves;
}

/** Rebuilds a tree from its shape and leaves. */
export function unflattenTree<T>(def: TreeDef, leaves: Iterable<T>): Tree<T> {
  const iterator = leaves[Symbol.iterator]();
  const build = (shape: TreeDef): Tree<T> => {
    if (shape === null) return iterator.next().value as T;
    if (Array.isArray(shape)) return shape.map((child) => build(child as TreeDef));
    return Object.fromEntries(Object.entries(shape).map(([key, child]) => [key, build(child)]));
  };
  return build(def);
}

/** The path of each leaf of a tree, such as `0.layers[1].weight`, for naming a program's inputs and outputs. */
export function leafPaths(def: TreeDef): string[] {
  const paths: string[] = [];
  const visit = (shape: TreeDef, path: string): void => {
    if (shape === null) paths.push(path);
    else
      for (const [key, child] of Object.entries(shape))
        visit(child as TreeDef, path ? `${path}.${key}` : key);
  };
  visit(def, "");
  return paths;
}
