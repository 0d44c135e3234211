import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataSpec } from '../../../shared/contract/data.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import { wilsonInterval } from '../../quant/intervals.ts'
import { contentKey } from '../../store/content-key.ts'
import { runBench } from '../bench-run.ts'
import { runEvaluation } from '../evaluate-run.ts'
import { runQuantization } from '../quantize-run.ts'
import type { SampleOptions } from '../samples.ts'
import { runSearch } from '../search-run.ts'
import type { Services } from '../services.ts'
import { runSweep } from '../sweep-run.ts'
import type { ModelDescription } from '../tasks/describe-model.ts'
import { withWorkFolder } from '../work-folder.ts'
import type { FoundData } from './data-root.ts'
import { floatRequest, validationOf, type RecipeFile } from './float-request.ts'
import { Keeper } from './keep.ts'
import type { BitsPoint, DataName, Desk, FloatAsk, Measured, ModelFigures, QatAsk, Scale } from './port.ts'
import { measureTimes } from './times.ts'
import { dataHashes, floatOnce, qatOnce, type Kept, type TrainFacts } from './trained.ts'

/** What a desk is set up with. */
export interface DeskSetting {
  readonly scale: Scale
  readonly found: ReadonlyMap<DataName, FoundData>
  /** the built-in recipe of a name */
  readonly recipe: (name: string) => RecipeFile
}

/** Folder of the home where the tables' quantized models lie. */
const FOLDER = 'reproduce'

/** The desk that tables are measured at: every answer is a run of the store, and found again by content. */
export class ServicesDesk implements Desk {
  readonly scale: Scale
  readonly keeper: Keeper
  readonly #setting: DeskSetting
  readonly #services: Services
  readonly #hashes = new Map<DataName, Promise<{ readonly train: string; readonly test: string }>>()

  constructor(setting: DeskSetting, services: Services) {
    this.scale = setting.scale
    this.#setting = setting
    this.#services = services
    this.keeper = new Keeper(services)
  }

  data(name: DataName): DataSpec {
    const found = this.#setting.found.get(name)
    if (!found) throw new Error(`the table does not name ${name} among its data`)
    return found.spec
  }

  async float(ask: FloatAsk): Promise<ModelFigures> {
    const kept = await this.#train(ask)
    return this.#evaluate(kept.path, null, ask)
  }

  async curve(ask: FloatAsk, bits: readonly number[], template: QuantPlan): Promise<readonly BitsPoint[]> {
    const { path: model } = await this.#train(ask)
    const content = { what: 'curve', ...(await this.#common(model, ask)), bits, template: template as unknown as Json }
    return this.keeper.once(content, null, async () => {
      const { run, value } = await withWorkFolder('reproduce', (folder) =>
        runSweep(
          { model, samples: this.#samples(ask), bits, curves: ['both'], template, output: `${folder}/`, force: true },
          this.#services,
        ),
      )
      return value.points.map(({ bits: count, top1 }) => ({
        bits: count,
        top1: rateOf(top1 ?? Number.NaN, value.samples, run),
      }))
    })
  }

  async ptq(ask: FloatAsk, plan: QuantPlan): Promise<ModelFigures> {
    const { path: model } = await this.#train(ask)
    const content = { what: 'ptq', ...(await this.#common(model, ask)), plan: plan as unknown as Json }
    const output = await this.#outputFor(ask, content)
    return this.keeper.once(content, output, () => this.#quantize(model, output, plan, ask))
  }

  async searched(ask: FloatAsk, maxDrop: number): Promise<ModelFigures & { floatLayers: number }> {
    const { path: model } = await this.#train(ask)
    const content = { what: 'search', ...(await this.#common(model, ask)), maxDrop }
    const output = await this.#outputFor(ask, content)
    return this.keeper.once(content, output, async () => {
      const { value } = await runSearch(
        {
          model,
          samples: this.#samples(ask),
          output: output.replace(/\.onnx$/, '.plan.json'),
          force: true,
          strategy: null,
          configs: null,
          maxDrop,
          maxSize: null,
          minSpeedup: null,
          maxFloatLayers: null,
          maxTrials: null,
          repairs: [],
          threads: null,
          resumes: null,
        },
        this.#services,
      )
      const figures = await this.#quantize(model, output, value.best.plan, ask)
      return {
        ...figures,
        floatLayers: Object.values(value.best.plan.layers).filter((layer) => layer === 'float').length,
      }
    })
  }

  async qat(ask: FloatAsk, { plan, options, samples }: QatAsk): Promise<ModelFigures & { gap: Measured }> {
    const float = await this.#train(ask)
    const { run, path, facts } = await qatOnce(
      {
        float: float.path,
        stem: `${ask.recipe}-${ask.data}-qat`,
        data: this.data(ask.data),
        plan,
        options: { ...options, epochs: Math.min(options.epochs ?? 1, this.scale.epochs ?? Infinity) },
        samples: leastOf(this.scale.trainSamples, samples ?? null),
        validation: validationOf(ask, this.scale),
      },
      this.#services,
      () => this.keeper.count(),
    )
    const figures = await this.#evaluate(path, float.path, ask)
    return { ...figures, gap: { value: facts.gap, low: null, high: null, run } }
  }

  async times(ask: FloatAsk, paths: readonly string[], batch: number): Promise<readonly Measured[]> {
    return measureTimes(paths, this.#samples(ask), batch, this.#services)
  }

  async speedup(float: string, model: string): Promise<Measured> {
    const { run, value } = await runBench({ model, reference: float }, this.#services)
    return { value: value.speedup!, low: value.interval?.low ?? null, high: value.interval?.high ?? null, run }
  }

  #train(ask: FloatAsk): Promise<Kept<TrainFacts>> {
    const request = floatRequest(ask, this.#setting.recipe(ask.recipe), this.data(ask.data), this.scale)
    return floatOnce(request, `${ask.recipe}-${ask.data}`, this.#services, () => this.keeper.count())
  }

  async #quantize(model: string, output: string, plan: QuantPlan, ask: FloatAsk): Promise<ModelFigures> {
    await runQuantization(
      { model, output, force: true, plan, keepFloat: [], samples: this.#samples(ask) },
      this.#services,
    )
    return this.#evaluate(output, model, ask)
  }

  async #evaluate(model: string, reference: string | null, ask: FloatAsk): Promise<ModelFigures> {
    const content = { what: 'evaluate', ...(await this.#common(model, ask)), reference: reference !== null }
    const { calibrationSamples: _, ...samples } = this.#samples(ask)
    const figures = await this.keeper.once(content, null, async () => {
      const { run, value } = await runEvaluation({ model, reference, samples }, this.#services)
      const { model: scores, samples: count } = value.evaluation.result
      const plain = (number: number): Measured => ({ value: number, low: null, high: null, run })
      return {
        top1: rateOf(scores!.top1, count, run),
        loss: plain(scores!.loss),
        bytes: plain(value.sizeBytes),
      }
    })
    return { path: model, ...figures }
  }

  #samples(ask: FloatAsk): SampleOptions & { readonly calibrationSamples: number } {
    const { evaluationSamples, calibrationSamples } = this.scale
    return {
      data: this.data(ask.data),
      seed: 0,
      calibrationSamples,
      ...(evaluationSamples === null ? {} : { samples: evaluationSamples }),
    }
  }

  /** What every measurement depends on: the content of model and data, and which samples. */
  async #common(model: string, ask: FloatAsk): Promise<{ [key: string]: Json }> {
    const { pool, signal } = this.#services
    const { hash } = await pool.run<{ path: string }, ModelDescription>(
      'describeModel',
      { path: model },
      { signal, retry: true },
    )
    const { seed, samples = null, calibrationSamples } = this.#samples(ask)
    return { float: hash, ...(await this.#dataHashes(ask.data)), seed, samples, calibrationSamples }
  }

  /** Reading a data set whole takes seconds: once is enough. */
  #dataHashes(name: DataName): Promise<{ readonly train: string; readonly test: string }> {
    const known = this.#hashes.get(name)
    if (known) return known
    const hashes = dataHashes(this.data(name), this.#services)
    this.#hashes.set(name, hashes)
    return hashes
  }

  async #outputFor(ask: FloatAsk, content: { readonly what: string; readonly [key: string]: Json }): Promise<string> {
    const folder = join(this.#services.store.home, FOLDER)
    await mkdir(folder, { recursive: true })
    return join(folder, `${ask.recipe}-${ask.data}-${content.what}-${contentKey(content).slice(-12)}.onnx`)
  }
}

/** A rate over so many samples with its own 95 % interval. */
function rateOf(value: number, samples: number, run: string): Measured {
  const { low, high } = wilsonInterval(Math.round(value * samples), samples)
  return { value, low, high, run }
}

function leastOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
