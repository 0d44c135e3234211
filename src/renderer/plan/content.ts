import type { QuantPlan } from '../../shared/contract/plan.ts'

/** Plans are values: what an object came to, it always comes to. An edit leaves nearly all parts of a plan as they are. */
const known = new WeakMap<object, string>()

/** Equal for plans that mean the same: the model they were made for and the order of names do not count. */
export function contentOf(plan: QuantPlan): string {
  const before = known.get(plan)
  if (before !== undefined) return before
  const { defaults, layers, tensors, repairs } = plan
  const parts = [canonical(defaults), canonical(layers), canonical(tensors ?? {}), canonical(repairs ?? [])]
  const text = parts.join('\n')
  known.set(plan, text)
  return text
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const before = known.get(value)
  if (before !== undefined) return before
  const text = Array.isArray(value) ? `[${value.map(canonical).join(',')}]` : canonicalObject(value)
  known.set(value, text)
  return text
}

function canonicalObject(value: object): string {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}
