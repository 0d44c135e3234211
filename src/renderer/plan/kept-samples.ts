import { z } from 'zod'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import { dataSpec, dataSplit } from '../../shared/contract/data.ts'
import type { Json } from '../../shared/contract/runs.ts'

const range = z.tuple([z.number(), z.number()])
const kept = z.object({
  spec: dataSpec,
  seed: z.number(),
  split: dataSplit,
  range,
  calibration: z.object({ range, split: dataSplit.optional() }).nullable(),
  overlap: z.number().optional(),
  preset: z.string().nullable(),
  preprocess: z.unknown(),
})

const asked = ([start, end]: readonly [number, number]): { start: number; end: number } => ({ start, end })

/** The samples of an earlier run, asked for again; null where the run does not say. */
export function samplesOfRun(json: Json): SampleOptionsInput | null {
  const parsed = kept.safeParse(json)
  if (!parsed.success) return null
  const { spec, seed, split, range: own, calibration, overlap, preset, preprocess } = parsed.data
  const said = preset ?? (preprocess === null || preprocess === undefined ? null : JSON.stringify(preprocess))
  // a split that is said holds for calibration too: where both differ, it was the data's own division that was used
  const isDivided = calibration?.split !== undefined && calibration.split !== split
  return {
    data: spec,
    seed,
    ...(isDivided ? {} : { split }),
    range: asked(own),
    ...(calibration === null ? {} : { calibrationRange: asked(calibration.range) }),
    ...(said === null ? {} : { preprocess: said }),
    ...(overlap !== undefined && overlap > 0 ? { allowOverlap: true } : {}),
  }
}
