/** The JSON that our own prompts ask for, as JSON Schema, for servers that can enforce it. */

import { z } from "zod";

const words = z.string().nullable();

const shapes = {
  concluded: z.strictObject({ words, conclusion: z.string().nullable() }),
  answered: z.strictObject({ answer: z.string().nullable() }),
  consistency: z.strictObject({ words, verdict: z.enum(["consistent", "inconsistent", "unclear"]) }),
  claims: z.strictObject({
    claims: z.array(z.strictObject({ start: z.number(), end: z.number(), text: z.string() })),
  }),
  // The reason comes first, so that the score follows from it.
  attention: z.strictObject({ rationale: z.string(), score: z.number() }),
  equal: z.strictObject({ equal: z.boolean() }),
  number: z.strictObject({ value: z.number().nullable() }),
};

function schemaOf(shape: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(shape);
  return schema;
}

/** The schema of each task's reply. */
export const replySchemas = {
  concluded: schemaOf(shapes.concluded),
  answered: schemaOf(shapes.answered),
  consistency: schemaOf(shapes.consistency),
  claims: schemaOf(shapes.claims),
  attention: schemaOf(shapes.attention),
  equal: schemaOf(shapes.equal),
  number: schemaOf(shapes.number),
};
