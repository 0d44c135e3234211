import { openDatabase } from '../../src/main/store/database.ts'
import { RunTable } from '../../src/main/store/runs.ts'
import type { LayerResult, RunDetail, RunKind } from '../../src/shared/contract/runs.ts'
import { seeded } from './model-builder.ts'
import { layerResult, runDetail } from './runs.ts'

const KINDS: readonly RunKind[] = ['quantize', 'evaluate', 'measurePlan', 'bench', 'sensitivity', 'search']
const CALIBRATORS = ['minMax', 'percentile', 'entropy', 'mse'] as const
const MODELS = [
  'models/squeezenet1_1.onnx',
  'models/mobilenetv2-12.onnx',
  'models/a/folder/that/lies/deep/resnet18-with-a-very-long-name-of-an-experiment-v12-final.onnx',
  'models/digits-cnn.onnx',
] as const
const SAMPLES = 1000

/**
 * Writes runs of every kind into the store in `home`: several models, tags, notes, layers, results with intervals. Newest last; those of
 * another name than `run` are newer than all of that name.
 */
export function writeManyRuns(home: string, count: number, layers = 26, seed = 1, name = 'run'): string[] {
  const db = openDatabase(home)
  db.pragma('synchronous = OFF') // nothing is lost if the machine goes down in the middle of making up data
  const table = new RunTable(db)
  const random = seeded(seed)
  const runs = Array.from({ length: count }, (_, i) => madeUpRun(i, layers, random, name))
  try {
    table.restoreWhole(runs)
  } finally {
    db.close()
  }
  return runs.map(({ id }) => id)
}

function madeUpRun(i: number, layers: number, random: () => number, name: string): RunDetail {
  const model = MODELS[i % MODELS.length]!
  const kind = KINDS[i % KINDS.length]!
  const drop = Math.round(random() * 30) / SAMPLES
  const top1 = 0.7 - drop
  const speedup = 1 + random() * 2.5
  const calibrator = CALIBRATORS[Math.floor(random() * CALIBRATORS.length)]!
  const started = Date.UTC(2026, name === 'run' ? 0 : 5, 1) + i * 7 * 60_000
  return runDetail({
    id: `${name}${String(i).padStart(5, '0')}`,
    kind,
    status: i % 97 === 5 ? 'failed' : i % 89 === 7 ? 'interrupted' : 'done',
    startedAt: new Date(started).toISOString(),
    endedAt: new Date(started + 2000 + random() * 90_000).toISOString(),
    modelPath: model,
    modelHash: `sha256:${String(i % MODELS.length).repeat(64)}`,
    dataHash: `sha256:${'d'.repeat(64)}`,
    metrics: {
      samples: SAMPLES,
      top1,
      drop,
      agreement: 1 - drop * 1.4,
      loss: 1.2 + drop * 3,
      sqnrDb: 20 + random() * 20,
      bytes: Math.round(1.3e6 + random() * 4e6),
      speedup,
      medianMs: 9 / speedup,
    },
    tags: [...(i % 5 === 0 ? ['baseline'] : []), ...(i % 11 === 0 ? ['keep', 'paper'] : [])],
    note: i % 7 === 0 ? `trial ${i}: ${calibrator}, looks ${drop < 0.01 ? 'good' : 'worse than hoped'}` : '',
    parameters: { model, threads: 1 + (i % 4), plan: { calibration: calibrator, bits: i % 3 === 0 ? 4 : 8 }, seed: i },
    layers: Array.from({ length: layers }, (_, k) => madeUpLayer(k, random)),
    results: {
      evaluation: { result: { drop: { value: drop, low: drop - 0.006, high: drop + 0.008 } } },
      interval: { low: speedup - 0.1, high: speedup + 0.12 },
    },
  })
}

function madeUpLayer(k: number, random: () => number): LayerResult {
  const isInteger = random() < 0.85
  return layerResult({
    id: `stage${Math.floor(k / 4)}/conv${k}`,
    type: isInteger ? 'int8' : 'float',
    execution: isInteger ? 'int8' : 'float',
    ms: random() * 0.6,
    metrics: { sqnrDb: 15 + random() * 30 },
  })
}
