import type { LayerInfo } from '../../shared/contract/model.ts'
import type { LayerOverride, QuantPlan } from '../../shared/contract/plan.ts'
import type { Configuration } from './grid.ts'
import { FLOAT, type Assignment, type SearchLayer } from './port.ts'

/** Every layer on its base configuration. */
export function baseAssignment(layers: readonly SearchLayer[]): Assignment {
  return new Map(layers.map(({ id, choices }) => [id, choices[0]!]))
}

/** The same with some layers changed. */
export function changed(assignment: Assignment, changes: Iterable<readonly [string, string]>): Assignment {
  return new Map([...assignment, ...changes])
}

/** Equal text for equal assignments. */
export function assignmentKey(assignment: Assignment): string {
  return JSON.stringify([...assignment].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function floatLayersOf(assignment: Assignment): string[] {
  return [...assignment].filter(([, choice]) => choice === FLOAT).map(([id]) => id)
}

/** Share of the searched layers' parameters that each choice holds, 0–1. */
export function weightShares(layers: readonly SearchLayer[], assignment: Assignment): Record<string, number> {
  const total = layers.reduce((sum, { parameters }) => sum + parameters, 0)
  const shares: Record<string, number> = {}
  for (const { id, parameters } of layers) {
    const choice = assignment.get(id)!
    if (parameters > 0) shares[choice] = (shares[choice] ?? 0) + parameters / total
  }
  return shares
}

/**
 * The plan an assignment stands for. Its defaults are the first configuration. With a layer in float, arithmetic layers that stay in
 * integers are named, so that none follows its neighbour into float unseen; without one the plan has no more entries than it needs.
 * @param configurations the base first
 * @param template what the plan starts from; its layers are replaced
 */
export function planOf(
  assignment: Assignment,
  configurations: readonly Configuration[],
  template: QuantPlan,
  layers: readonly LayerInfo[],
): QuantPlan {
  const [base] = configurations
  const defaults = defaultsOf(template, base!.override)
  const overrides = new Map(configurations.map(({ name, override }) => [name, override]))
  const roles = new Map(layers.map(({ id, role }) => [id, role]))
  const hasFloat = [...assignment.values()].includes(FLOAT)
  const entries = [...assignment].flatMap(([id, choice]): [string, LayerOverride][] => {
    if (choice === FLOAT) return [[id, FLOAT]]
    if (choice !== base!.name)
      return [[id, wholeOverride(template, overrides.get(choice)!, roles.get(id) === 'weighted')]]
    return hasFloat && roles.get(id) === 'arithmetic' ? [[id, {}]] : []
  })
  return { ...template, defaults, layers: Object.fromEntries(entries) }
}

function defaultsOf({ defaults }: QuantPlan, override: Configuration['override']): QuantPlan['defaults'] {
  return {
    mode: override.mode ?? (override.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode),
    weights: { ...defaults.weights, ...override.weights },
    activations: { ...defaults.activations, ...override.activations },
    bias: override.bias ?? defaults.bias,
  }
}

/** Names all qualities, so that nothing comes from another configuration's defaults. */
function wholeOverride(template: QuantPlan, override: Configuration['override'], weighted: boolean): LayerOverride {
  const { mode, weights, activations, bias } = defaultsOf(template, override)
  return weighted ? { mode, weights, activations, bias } : { activations }
}
