import { hasInt8DotProduct } from '../../engines/environment.ts'
import { worstLayers, type LayerExplanation, type RankedLayer } from '../../search/explain.ts'
import { gridLayers, type Configuration } from '../../search/grid.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'
import type { ExplainTaskInput } from '../tasks/explain.ts'
import { runDurably } from './run-durably.ts'
import { gridVariants } from './variants.ts'

/**
 * Why the three worst layers of a ranking suffer, in a worker; nothing is run. Empty where nothing was ranked.
 * @throws Fault as the task `explain`
 */
export async function explainWorst(
  study: Study,
  configurations: readonly Configuration[],
  ranking: readonly RankedLayer[],
  services: Services,
): Promise<readonly LayerExplanation[]> {
  const { layers } = study.summary
  const worst = worstLayers(ranking)
  if (worst.length === 0 || !study.statistics) return []
  const [alone] = gridVariants({ layers: gridLayers(layers), configurations, base: 'float' }, layers)
  const wholes = gridVariants({ layers: [], configurations, base: 'quantized' }, layers)
  const variants = worst.flatMap(({ layerId, config }) => {
    const own = alone!.variants.find((variant) => variant.layerId === layerId && variant.config === config)
    const whole = wholes.find((group) => group.variants[0]!.config === config)
    return own && whole ? [{ layerId, config, plan: own.plan, wholePlan: whole.basePlan! }] : []
  })
  const { isa } = services.environment
  return runDurably<ExplainTaskInput, LayerExplanation[]>(services, 'explain', {
    prepared: study.preparedPath,
    layers,
    variants,
    collection: study.statistics.path,
    saturatesHere: isa.includes('avx2') && !hasInt8DotProduct(isa),
  })
}
