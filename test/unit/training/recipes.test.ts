import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/main/data/random.ts'
import { elementCount } from '../../../src/main/graph/tensors.ts'
import { validateModel } from '../../../src/main/graph/validate.ts'
import { buildRecipe } from '../../../src/main/training/recipes/build.ts'
import { parseRecipe, type Recipe } from '../../../src/main/training/recipes/recipe.ts'
import { problemsOf } from '../../../src/main/training/trainable/problems.ts'

const folder = path.resolve(import.meta.dirname, '../../../resources/recipes')
const files = fs.readdirSync(folder)
const read = (file: string): Recipe => parseRecipe(fs.readFileSync(path.join(folder, file), 'utf8'), file)

describe('the recipes that come with the product', () => {
  it.each(files)('%s is named after its file, sound, and can be trained', (file) => {
    const recipe = read(file)
    expect(`${recipe.name}.json`).toBe(file)
    const model = buildRecipe(recipe, { picture: [64, 64, 3], classes: 7, random: createRandom(1) })
    expect(validateModel(model, file).model.graph.outputs[0]!.shape).toEqual(['N', 7])
    expect(problemsOf(model.graph)).toEqual([])
  })

  it.each([
    { why: 'LeNet-5 on MNIST', file: 'lenet5.json', picture: [28, 28, 1], parameters: 61_706 },
    { why: 'LeNet-5 on CIFAR-10', file: 'lenet5.json', picture: [32, 32, 3], parameters: 62_006 },
    {
      why: 'as published, but for 16 numbers of its quantizers',
      file: 'small-cnn.json',
      picture: [28, 28, 1],
      parameters: 20_410,
    },
    { why: 'about 3.2 million', file: 'mobilenet-v1.json', picture: [28, 28, 1], parameters: 3_216_650 },
    { why: 'about 14.8 million', file: 'vgg16.json', picture: [28, 28, 1], parameters: 14_784_715 },
    { why: 'ResNet-18 for 10 classes', file: 'resnet18.json', picture: [64, 64, 3], parameters: 11_181_642 },
  ])('$file: $why', ({ file, picture, parameters }) => {
    const model = buildRecipe(read(file), {
      picture: picture as [number, number, number],
      classes: 10,
      random: createRandom(1),
    })
    const learned = [...model.graph.initializers.values()].filter(({ name }) => !/\.(mean|variance)$/.test(name))
    expect(learned.reduce((sum, { dims }) => sum + elementCount(dims), 0)).toBe(parameters)
  })
})

describe('a recipe file', () => {
  it.each([
    { why: 'no JSON', text: '{' },
    { why: 'an unknown layer', text: '{"name":"a","title":"","source":"","layers":[{"op":"lstm"}]}' },
    { why: 'no layers', text: '{"name":"a","title":"","source":"","layers":[]}' },
    { why: 'an absurd size', text: '{"name":"a","title":"","source":"","layers":[{"op":"dense","out":1e9}]}' },
  ])('is refused with $why', ({ text }) => {
    expect(() => parseRecipe(text, 'a.json')).toThrow(expect.objectContaining({ code: 'format.recipe' }))
  })

  it('says when the pictures are too small', () => {
    const build = (): unknown =>
      buildRecipe(read('lenet-average.json'), { picture: [28, 28, 1], classes: 10, random: createRandom(1) })
    expect(build).not.toThrow()
    const tiny = { ...read('small-cnn.json'), input: [2, 2] as [number, number] }
    expect(() => buildRecipe(tiny, { picture: [2, 2, 1], classes: 10, random: createRandom(1) })).toThrow(/too small/)
  })
})
