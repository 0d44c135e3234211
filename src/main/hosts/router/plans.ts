import { availableParallelism } from 'node:os'
import { Fault } from '../../../shared/contract/fault.ts'
import { parsePlan, planFromOptions, serializePlan } from '../../quant/plan.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

/** `plans.*`: kept by name, checked, compared, estimated. */
export function plansRouter(app: Application) {
  const { store, plans, events } = app
  return os.plans.router({
    list: os.plans.list.handler(({ input }) => store.plans.list(input.hash)),
    save: os.plans.save.handler(({ input }) => {
      const { hash, name, plan, replace } = input
      if (!replace && store.plans.find(hash, name))
        throw new Fault('plan.exists', `There is a plan "${name}" already: choose another name, or replace it.`, {
          name,
        })
      const kept = { name, plan, savedAt: new Date().toISOString() }
      store.plans.keep(hash, kept)
      events.tell({ kind: 'plans', model: hash })
      return kept
    }),
    load: os.plans.load.handler(({ input }) => {
      const found = store.plans.find(input.hash, input.name)
      if (found) return found
      throw new Fault('plan.notFound', `There is no plan "${input.name}" of this model.`, { name: input.name })
    }),
    remove: os.plans.remove.handler(({ input }) => {
      if (!store.plans.remove(input.hash, input.name))
        throw new Fault('plan.notFound', `There is no plan "${input.name}" of this model.`, { name: input.name })
      events.tell({ kind: 'plans', model: input.hash })
    }),
    fromOptions: os.plans.fromOptions.handler(({ input }) => planFromOptions(input)),
    fromRun: os.plans.fromRun.handler(({ input }) => plans.fromRun(input.run)),
    ofSweep: os.plans.ofSweep.handler(({ input }) => plans.ofSweep(input.run)),
    parse: os.plans.parse.handler(({ input }) => parsePlan(jsonOf(input.text))),
    serialize: os.plans.serialize.handler(({ input }) => ({ text: serializePlan(input.plan) })),
    resolve: os.plans.resolve.handler(({ input }) => plans.resolve(input.hash, input.plan)),
    diff: os.plans.diff.handler(({ input }) => plans.diff(input.hash, input.a, input.b)),
    estimate: os.plans.estimate.handler(({ input }) =>
      plans.estimate(input.hash, input.plan, input.threads ?? app.settings.threads ?? availableParallelism()),
    ),
  })
}

/** @throws Fault plan.notJson */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new Fault('plan.notJson', `This is not JSON: ${(cause as Error).message}.`, {}, { cause })
  }
}
