import type { QuantPlan } from '../../shared/contract/plan.ts'

/** Equal for plans that mean the same: the model they were made for and the order of names do not count. */
export function contentOf({ defaults, layers, tensors, repairs }: QuantPlan): string {
  return canonical({ defaults, layers, tensors: tensors ?? {}, repairs: repairs ?? [] })
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}
