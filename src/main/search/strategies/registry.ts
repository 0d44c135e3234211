import type { Strategy, Targets } from '../port.ts'
import { knapsackStrategy } from './knapsack.ts'
import { paretoStrategy } from './pareto.ts'
import { prefixStrategy } from './prefix.ts'

/** Every way to search, one file each. */
export const STRATEGIES: readonly Strategy[] = [prefixStrategy, knapsackStrategy, paretoStrategy]

/**
 * The strategy that suits what is asked: bits are allocated where a size or a time is to be kept or there are several configurations to
 * choose from, else layers are put in float one after the other.
 */
export function strategyFor({ maxBytes, minSpeedup }: Targets, configurations: number): Strategy {
  return maxBytes !== null || minSpeedup !== null || configurations > 1 ? knapsackStrategy : prefixStrategy
}
