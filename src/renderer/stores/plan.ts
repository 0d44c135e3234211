import { defineStore } from 'pinia'
import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import type { PlanProblem, ResolvedLayerView, ResolvedPlanView, StoredPlan } from '../../shared/contract/api/plans.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import { defaultPlan, type LayerOverride, type QuantPlan, type RepairName } from '../../shared/contract/plan.ts'
import { contentOf } from '../plan/content.ts'
import { readDraft, writeDraft } from '../plan/drafts.ts'
import {
  changeDefaults,
  changeLayers,
  replaceLayers,
  setRange,
  setRepairs,
  setTensor,
  type DefaultsChange,
  type LayerChange,
} from '../plan/edits.ts'
import { record, redo, settle, startHistory, undo, type History } from '../plan/history.ts'
import { changeText, toggled } from '../plan/toggle.ts'
import { createLatest } from '../plan/latest.ts'
import type { Remedy } from '../plan/knowledge.ts'
import { applyRule, layersOfRule, ruleText, type Rule } from '../plan/rules.ts'
import { patchResolved, precisionsOf, problemsByLayer } from '../plan/settings.ts'
import { traitsOf } from '../plan/traits.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useModelsStore } from './models.ts'
import { useSelectionStore } from './selection.ts'

/** A pause in typing or dragging after which the host checks the plan. */
const RESOLVE_PAUSE_MS = 40

/** A pause after which the draft is written: a drag writes it once. */
const DRAFT_PAUSE_MS = 300

interface Resolved {
  readonly plan: QuantPlan
  readonly view: ResolvedPlanView
}

function emptyPlan(hash: string | null): QuantPlan {
  return hash === null ? defaultPlan : { ...defaultPlan, model: hash }
}

/** The plan of the open model: the one value that every view edits, with undo, names in the store, and what it comes to for each layer. */
export const usePlanStore = defineStore('plan', () => {
  const app = useAppStore()
  const models = useModelsStore()
  const selection = useSelectionStore()

  const history = shallowRef<History<QuantPlan>>(startHistory<QuantPlan>(defaultPlan))
  const plan = computed(() => history.value.present.value)
  const content = computed(() => contentOf(plan.value))
  /** name it was loaded from or saved under */
  const name = shallowRef<string | null>(null)
  /** content of what is kept under the name; of the untouched plan where there is none */
  const savedContent = shallowRef<string>(contentOf(defaultPlan))
  const isDirty = computed(() => content.value !== savedContent.value)
  const stored = shallowRef<readonly StoredPlan[]>([])
  const resolved = shallowRef<Resolved | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** what layers said before they were switched to float: switching back restores it */
  const remembered = new Map<string, LayerOverride | undefined>()

  const canUndo = computed(() => history.value.past.length > 0)
  const canRedo = computed(() => history.value.future.length > 0)
  const undoText = computed(() => (canUndo.value ? history.value.present.label : null))
  const redoText = computed(() => history.value.future[0]?.label ?? null)

  /** what the plan comes to, in graph order; right after an edit a guess until the host has answered */
  const layers = computed<readonly ResolvedLayerView[]>(() => patchResolved(resolved.value, plan.value, models.layers))
  const layersById = computed(() => new Map(layers.value.map((layer) => [layer.id, layer])))
  const precisions = computed(() => precisionsOf(layers.value))
  const problems = computed<readonly PlanProblem[]>(() => resolved.value?.view.problems ?? [])
  const problemsOf = computed(() => problemsByLayer(problems.value))
  const traits = computed(() => (models.graph === null ? [] : traitsOf(models.graph)))

  function put(next: QuantPlan, label: string, mergeKey: string | null = null): void {
    if (contentOf(next) !== content.value) history.value = record(history.value, next, label, mergeKey)
  }

  function infosOf(ids: readonly string[]): LayerInfo[] {
    return ids.flatMap((id) => models.layersById.get(id) ?? [])
  }

  /** One decision about layers, as one step. */
  function change(ids: readonly string[], wanted: LayerChange, mergeKey: string | null = null): void {
    const infos = infosOf(ids)
    if (wanted.kind === 'float') remember(infos)
    put(changeLayers(plan.value, infos, wanted), changeText(infos, wanted), mergeKey)
  }

  function remember(infos: readonly LayerInfo[]): void {
    for (const { id } of infos) if (plan.value.layers[id] !== 'float') remembered.set(id, plan.value.layers[id])
  }

  /** Space: to float where any of the layers is quantized, else back to what each was. */
  function toggle(ids: readonly string[]): void {
    const infos = infosOf(ids).filter(({ quantizable }) => quantizable)
    const next = toggled(infos, { plan: plan.value, resolved: layersById.value, remembered })
    if (next.to === 'float') remember(infos)
    put(replaceLayers(plan.value, next.overrides), next.label)
  }

  /** 1–8: weights of so many bits with activations of 8; layers without weights take the bits themselves. */
  function setBits(ids: readonly string[], bits: number): void {
    change(ids, { kind: 'bits', bits: { weights: bits, activations: bits === 16 ? 16 : undefined } })
  }

  /** Layers that a rule would change. */
  function scopeOf(rule: Rule): LayerInfo[] {
    return layersOfRule(plan.value, rule, traits.value, selection.set)
  }

  function applyOne(rule: Rule): void {
    put(applyRule(plan.value, rule, traits.value, selection.set), ruleText(rule))
  }

  /** A range of a tensor, or none; the steps of one drag are one until `settleEdits`. */
  function range(tensor: string, bounds: readonly [number, number] | null): void {
    const label = bounds === null ? `Range of ${tensor} by its calibrator` : `Range of ${tensor}`
    put(setRange(plan.value, tensor, bounds), label, bounds === null ? null : `range:${tensor}`)
  }

  function tensor(id: string, override: Parameters<typeof setTensor>[2]): void {
    put(setTensor(plan.value, id, override), `Calibrator of ${id}`)
  }

  const settleEdits = (): void => void (history.value = settle(history.value))
  const defaults = (wanted: DefaultsChange): void => put(changeDefaults(plan.value, wanted), 'Defaults of the plan')
  const repairs = (names: readonly RepairName[]): void => put(setRepairs(plan.value, names), 'Repairs')

  /** What an explanation proposes: a repair of the plan, or another scheme of a layer. */
  function applyRemedy(remedy: Remedy): void {
    if ('repair' in remedy) return repairs([...new Set([...(plan.value.repairs ?? []), remedy.repair])])
    const { layer, override } = remedy
    put(replaceLayers(plan.value, new Map([[layer, override]])), `Remedy for ${layer}`)
  }

  /** Another plan in its place, as one step that can be undone; `from`: the name it is kept under. */
  function replace(next: QuantPlan, label: string, from: string | null = null): void {
    const hash = models.hash
    history.value = record(history.value, hash === null ? next : { ...next, model: hash }, label)
    if (from === null) return
    name.value = from
    savedContent.value = content.value
  }

  /** The untouched plan, under no name. */
  function startAnew(): void {
    replace(emptyPlan(models.hash), 'New plan')
    name.value = null
    savedContent.value = contentOf(defaultPlan)
  }

  async function guarded<Value>(work: () => Promise<Value>): Promise<Value | null> {
    problem.value = null
    try {
      return await work()
    } catch (error) {
      problem.value = problemOf(error)
      return null
    }
  }

  async function loadStored(): Promise<void> {
    const hash = models.hash
    if (hash === null) return
    const found = await guarded(() => client().plans.list({ hash }))
    if (found && models.hash === hash) stored.value = found
  }

  /** Keeps the plan under a name. Gives false where that was refused; `problem` says why. */
  async function save(as: string, overwrite: boolean): Promise<boolean> {
    const hash = models.hash
    if (hash === null) return false
    const own = plan.value
    const kept = await guarded(() => client().plans.save({ hash, name: as, plan: own, replace: overwrite }))
    if (kept === null) return false
    name.value = kept.name
    savedContent.value = contentOf(own)
    await loadStored()
    return true
  }

  async function open(wanted: string): Promise<void> {
    const hash = models.hash
    if (hash === null) return
    const found = await guarded(() => client().plans.load({ hash, name: wanted }))
    if (found) replace(found.plan, `Open ${found.name}`, found.name)
  }

  async function remove(wanted: string): Promise<void> {
    const hash = models.hash
    if (hash === null) return
    await guarded(() => client().plans.remove({ hash, name: wanted }))
    if (name.value === wanted) name.value = null
    await loadStored()
  }

  /** A plan from the text of a file. */
  async function importText(text: string, from: string): Promise<boolean> {
    const found = await guarded(() => client().plans.parse({ text }))
    if (found === null) return false
    if (found.model !== undefined && found.model !== models.hash) {
      problem.value = problemOf(
        new Error(`${from} was made for another model (${found.model.slice(0, 19)}…): open that model to use it.`),
      )
      return false
    }
    replace(found, `Import ${from}`)
    return true
  }

  /** The plan of a run, as the plan of the open model. */
  async function openRun(run: string): Promise<boolean> {
    const found = await guarded(() => client().plans.fromRun({ run }))
    if (found) replace(found, `Plan of run ${run}`)
    return found !== null
  }

  async function serialize(): Promise<string | null> {
    return (await guarded(() => client().plans.serialize({ plan: plan.value })))?.text ?? null
  }

  let draftTimer: ReturnType<typeof setTimeout> | undefined
  /** Keeps the plan as it stands, where it changed since it was last kept. */
  function keepDraft(hash: string | null): void {
    if (draftTimer === undefined || hash === null) return
    clearTimeout(draftTimer)
    draftTimer = undefined
    writeDraft(localStorage, hash, { plan: plan.value, name: name.value, saved: savedContent.value })
  }
  // a window that is closed or reloaded right after an edit loses none of it
  const leave = (): void => keepDraft(models.hash)
  globalThis.addEventListener?.('pagehide', leave)
  onScopeDispose(() => {
    clearTimeout(draftTimer)
    globalThis.removeEventListener?.('pagehide', leave)
  })

  const resolver = createLatest<{ hash: string; plan: QuantPlan }, ResolvedPlanView>({
    ask: ({ hash, plan: asked }, signal) => client().plans.resolve({ hash, plan: asked }, { signal }),
    onAnswer: (view, { hash, plan: asked }) => {
      if (models.hash === hash) resolved.value = { plan: asked, view }
    },
    onError: (error) => (problem.value = problemOf(error)),
    pauseMs: RESOLVE_PAUSE_MS,
  })

  watch(
    () => models.hash,
    (hash, before) => {
      keepDraft(before ?? null)
      resolver.drop()
      resolved.value = null
      stored.value = []
      remembered.clear()
      const draft = hash === null ? null : readDraft(localStorage, hash)
      history.value = startHistory(draft?.plan ?? emptyPlan(hash))
      name.value = draft?.name ?? null
      savedContent.value = draft?.saved ?? contentOf(defaultPlan)
      if (hash === null) return
      resolver.ask({ hash, plan: plan.value })
      void loadStored()
    },
    { immediate: true, flush: 'sync' },
  )
  watch([plan, name, savedContent], () => {
    clearTimeout(draftTimer)
    if (models.hash !== null) draftTimer = setTimeout(() => keepDraft(models.hash), DRAFT_PAUSE_MS)
  })
  watch(plan, (now) => {
    if (models.hash !== null) resolver.ask({ hash: models.hash, plan: now })
  })
  app.on('plans', ({ model }) => {
    if (model === models.hash) void loadStored()
  })
  watch(
    () => app.epoch,
    () => {
      if (models.hash !== null) resolver.ask({ hash: models.hash, plan: plan.value })
      void loadStored()
    },
  )

  return {
    plan,
    content,
    name,
    isDirty,
    stored,
    problem,
    canUndo,
    canRedo,
    undoText,
    redoText,
    layers,
    layersById,
    precisions,
    problems,
    problemsOf,
    traits,
    change,
    toggle,
    setBits,
    scopeOf,
    applyRule: applyOne,
    range,
    tensor,
    settleEdits,
    defaults,
    repairs,
    applyRemedy,
    undo: () => void (history.value = undo(history.value)),
    redo: () => void (history.value = redo(history.value)),
    replace,
    startAnew,
    save,
    open,
    remove,
    importText,
    openRun,
    serialize,
  }
})
