import { describe, expect, it } from 'vitest'
import { planFromOptions } from '../../../../src/main/quant/plan.ts'
import {
  changedOptions,
  choiceFrom,
  choiceProblem,
  chosenRecipe,
  dataText,
  planOfBits,
  subjectText,
  trainRequestOf,
  usualOptions,
  type TrainChoice,
  type WholeOptions,
} from '../../../../src/renderer/training/choice.ts'
import { jobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import type { RecipeView } from '../../../../src/shared/contract/api/training.ts'
import type { DataInfo } from '../../../../src/shared/contract/data.ts'

const usual = choiceFrom(null)
const DIGITS = { kind: 'synthetic-digits' } as const
const DEFAULTS: WholeOptions = {
  epochs: 10,
  batch: 64,
  optimizer: 'sgd',
  learningRate: 0.05,
  schedule: 'cosine',
  warmup: 0,
  momentum: 0.9,
  weightDecay: 5e-4,
  labelSmoothing: 0,
  seed: 0,
  patience: null,
  augment: { flip: false, shift: 0 },
}
const RECIPES: readonly RecipeView[] = [
  { name: 'lenet5', title: 'LeNet-5', source: '', input: null, options: { ...DEFAULTS, optimizer: 'adam' } },
  { name: 'vgg16', title: 'VGG16', source: '', input: [32, 32], options: DEFAULTS },
]
const INFO: DataInfo = {
  spec: DIGITS,
  split: 'train',
  hash: `sha256:${'0'.repeat(64)}`,
  count: 10_000,
  labelled: true,
  classes: ['0', '1'],
  pictureShape: [28, 28, 1],
}

describe('what is kept of the form', () => {
  it('comes back as it was', () => {
    const choice: TrainChoice = { ...usual, recipe: 'vgg16', mode: 'qat', data: DIGITS, options: { epochs: 3 } }
    expect(choiceFrom(JSON.stringify(choice))).toEqual(choice)
  })

  it('comes back from a window that knew neither biases nor hybrids nor recipe files', () => {
    const { integers: _, hybridPlan: __, ...qat } = usual.qat
    const { recipeFile: ___, ...former } = usual
    const kept = { ...former, recipe: 'vgg16', qat: { ...qat, bits: 4 } }
    expect(choiceFrom(JSON.stringify(kept))).toEqual({ ...kept, recipeFile: null, qat: { ...usual.qat, bits: 4 } })
  })

  it.each([
    { why: 'nothing', text: null },
    { why: 'no JSON', text: '{' },
    { why: 'another version', text: '{"start":"elsewhere"}' },
  ])('of $why is the usual choice', ({ text }) => {
    expect(choiceFrom(text)).toEqual(usual)
  })

  it('of a version before training for integers trains in float', () => {
    const { mode: _, qat: _qat, ...before } = usual
    expect(choiceFrom(JSON.stringify(before))).toEqual(usual)
  })
})

it('options are the recipe’s, those of training for a model, and what is set by hand can be left again', () => {
  expect(usualOptions(usual, RECIPES, DEFAULTS).optimizer).toBe('adam')
  expect(usualOptions({ ...usual, start: 'model' }, RECIPES, DEFAULTS).optimizer).toBe('sgd')
  const set = changedOptions({}, { epochs: 3, batch: 16 })
  expect(changedOptions(set, { epochs: undefined })).toEqual({ batch: 16 })
})

describe('a training', () => {
  const around = { model: null, recipes: RECIPES, data: DIGITS, info: INFO }
  it.each<{ why: string; choice?: Partial<TrainChoice>; change?: Partial<typeof around>; says: RegExp | null }>([
    { why: 'of a recipe on labelled pictures', says: null },
    { why: 'whose data are still being looked at', change: { info: null as never }, says: null },
    { why: 'without data', change: { data: null as never }, says: /Choose data/ },
    { why: 'of a model that is not open', choice: { start: 'model' }, says: /Open a model/ },
    { why: 'without labels', change: { info: { ...INFO, labelled: false } }, says: /no labels/ },
    { why: 'that holds out everything', choice: { validation: 10_000 }, says: /leaves none/ },
    { why: 'of unknown classes', change: { info: { ...INFO, classes: null } }, says: /say how many/ },
    { why: 'of pictures of many sizes', change: { info: { ...INFO, pictureShape: null } }, says: /height and width/ },
    {
      why: 'of pictures of many sizes, in a recipe that has one',
      choice: { recipe: 'vgg16' },
      change: { info: { ...INFO, pictureShape: null } },
      says: null,
    },
  ])('$why: $says', ({ choice, change, says }) => {
    const problem = choiceProblem({ ...usual, ...choice }, { ...around, ...change })
    if (says === null) expect(problem).toBeNull()
    else expect(problem).toMatch(says)
  })
})

const onGraph = planOfBits(3)
const plans = (bits: number) => ({ plan: planOfBits(bits), onGraph })

describe('what the host is asked for', () => {
  it('is a training of the recipe, or of the open model', () => {
    const ask = (choice: TrainChoice, model: string | null) =>
      jobRequest.parse(trainRequestOf(choice, DIGITS, model, plans(8)))
    expect(ask({ ...usual, options: { epochs: 2 } }, '/a.onnx')).toMatchObject({
      kind: 'train',
      start: { kind: 'recipe', name: 'lenet5' },
      data: DIGITS,
      options: { epochs: 2 },
      output: null,
      resumes: null,
    })
    expect(ask({ ...usual, start: 'model', classes: 12, preprocess: 'imagenet' }, '/a.onnx')).toMatchObject({
      preprocess: 'imagenet',
      start: { kind: 'model', path: '/a.onnx' },
      classes: 12,
    })
  })

  it('is a training for integers with the float options of before, or the comparison', () => {
    const choice: TrainChoice = {
      ...usual,
      mode: 'qat',
      options: { batch: 16 },
      qat: { ...usual.qat, bits: 4, lsq: true, floatEpochs: 1, options: { epochs: 2 } },
    }
    const request = jobRequest.parse(trainRequestOf(choice, DIGITS, null, plans(4)))
    expect(request).toMatchObject({
      kind: 'qat',
      plan: planOfBits(4),
      floatOptions: { batch: 16, epochs: 1 },
      options: { epochs: 2 },
      lsq: true,
      freeze: null,
    })
    expect(trainRequestOf({ ...choice, mode: 'compare' }, DIGITS, null, plans(4)).kind).toBe('compareQat')
  })

  it.each([
    { why: 'the plan on the graph where it was chosen', change: {}, qat: { hybridPlan: true }, hybrid: onGraph },
    { why: 'found where nothing was chosen', change: {}, qat: {}, hybrid: null },
    {
      why: 'found for a recipe, which has no graph',
      change: { start: 'recipe' },
      qat: { hybridPlan: true },
      hybrid: null,
    },
    {
      why: 'found where the plan on the graph is what all ways have',
      change: {},
      qat: { hybridPlan: true, usesPlan: true },
      hybrid: null,
    },
  ] as const)('is a comparison whose hybrid is $why', ({ change, qat, hybrid }) => {
    const choice = { ...usual, mode: 'compare', start: 'model', ...change, qat: { ...usual.qat, ...qat } } as const
    const request = jobRequest.parse(trainRequestOf(choice, DIGITS, '/a.onnx', plans(8)))
    expect(request).toMatchObject({ kind: 'compareQat', plan: planOfBits(8), hybrid })
  })

  it.each([
    { why: 'fewer bits of activations', change: { activationBits: 4 }, options: { activations: '4' } },
    { why: 'both symmetric', change: { symmetry: 'symmetric' }, options: { symmetric: true } },
    { why: 'both affine', change: { symmetry: 'affine' }, options: { symmetric: false } },
    { why: 'a scale for a layer', change: { perTensor: true }, options: { perTensor: true } },
  ] as const)('has a plan of $why as the command line has it', ({ change, options }) => {
    const given = { weights: '6', activations: '6', calibration: 'movingAverage', ...options } as const
    expect(planOfBits(6, { ...usual.qat.integers, ...change })).toEqual(planFromOptions(given))
  })

  it('has biases of as many bits as were chosen', () => {
    expect(planOfBits(4, { ...usual.qat.integers, biasBits: 8 }).defaults.bias).toEqual({ bits: 8 })
    expect(planOfBits(4).defaults.bias).toEqual({ bits: 32 })
  })

  it.each([2, 4, 8])('the plan of %i bits is the one of the command line', (bits) => {
    const type = String(bits) as '2'
    expect(planOfBits(bits)).toEqual(
      planFromOptions({ weights: type, activations: type, calibration: 'movingAverage' }),
    )
  })
})

it('says data and subject in a few words', () => {
  expect(dataText(INFO)).toBe('10,000 samples (train) · 2 classes · 28 × 28 × 1')
  expect(dataText({ ...INFO, classes: null, pictureShape: null })).toBe(
    '10,000 samples (train) · labelled · sizes differ',
  )
  expect(subjectText({ kind: 'model', path: '/models/a.onnx' })).toBe('a.onnx')
})

describe('a recipe file', () => {
  const file: TrainChoice = { ...usual, start: 'file', recipeFile: '/mine/net.json' }
  const own: RecipeView = { name: '/mine/net.json', title: 'Mine', source: '', input: null, options: DEFAULTS }

  it('is asked for by its path, and trains as it says itself', () => {
    const recipes = [...RECIPES, { ...own, options: { ...DEFAULTS, epochs: 77 } }]
    expect(chosenRecipe(file, recipes)?.title).toBe('Mine')
    expect(usualOptions(file, recipes, DEFAULTS).epochs).toBe(77)
    const request = jobRequest.parse(trainRequestOf(file, DIGITS, '/open.onnx', plans(8)))
    expect(request).toMatchObject({ kind: 'train', start: { kind: 'recipeFile', path: '/mine/net.json' } })
    expect(subjectText({ kind: 'recipeFile', path: '/mine/net.json' })).toBe('net.json')
  })

  it('stands in the way until it is chosen and read', () => {
    const around = { model: null, recipes: RECIPES, data: DIGITS, info: INFO }
    expect(choiceProblem(file, around)).toMatch(/recipe file/)
    expect(choiceProblem(file, { ...around, recipes: [...RECIPES, own] })).toBeNull()
  })
})
