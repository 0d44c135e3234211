import { expect, it, vi } from 'vitest'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useFilesStore } from '../../../../src/renderer/stores/files.ts'
import { os, testWindow } from '../host.ts'

const ROOT = '/home/test'

function filesWindow(nativeDialogs = false) {
  const host = testWindow(
    {
      files: {
        roots: os.files.roots.handler(() => [{ name: 'test', path: ROOT }]),
        list: os.files.list.handler(({ input, errors }) => {
          if (!input.folder.startsWith(ROOT))
            throw errors.FAULT({ data: { code: 'file.outsideWorkspace', message: 'Not there.', data: {} } })
          const isFile = input.folder.endsWith('.onnx')
          const folder = isFile ? ROOT : input.folder
          const parent = folder === ROOT ? null : ROOT
          return { path: folder, parent, entries: [], others: 0, chosen: isFile ? input.folder : null }
        }),
        pick: os.files.pick.handler(({ input }) => ({ path: `/picked/${input.kind}` })),
        save: os.files.save.handler(() => null),
      },
    },
    { nativeDialogs },
  )
  return { ...host, files: useFilesStore() }
}

it('asks the system where it has dialogs', async () => {
  const { files } = filesWindow(true)
  const app = useAppStore()
  app.listen()
  await vi.waitFor(() => expect(app.info?.nativeDialogs).toBe(true))
  expect(await files.choose('model', 'Open')).toBe('/picked/model')
  expect(await files.chooseTarget('plan.json', 'Save')).toBeNull()
  expect(files.request).toBeNull()
})

it('shows its own dialog elsewhere, and gives what was chosen there', async () => {
  const { files } = filesWindow()
  const chosen = files.choose('model', 'Open a model')
  await vi.waitFor(() => expect(files.view?.path).toBe(ROOT))
  expect([files.request?.title, files.takesFolder]).toEqual(['Open a model', true])
  await files.go(`${ROOT}/models`)
  files.answer(`${ROOT}/models/a.onnx`)
  expect(await chosen).toBe(`${ROOT}/models/a.onnx`)
  expect(files.request).toBeNull()
})

it('takes the path of a file that is typed: opens it, or writes over it where a target was asked for', async () => {
  const { files } = filesWindow()
  const chosen = files.choose('model', 'Open')
  await vi.waitFor(() => expect(files.view?.path).toBe(ROOT))
  await files.go(`${ROOT}/a.onnx`)
  expect(await chosen).toBe(`${ROOT}/a.onnx`)
  void files.chooseTarget('new.onnx', 'Save')
  await vi.waitFor(() => expect(files.view?.path).toBe(ROOT))
  await files.go(`${ROOT}/a.onnx`)
  expect([files.request?.mode, files.fileName, files.view?.path]).toEqual(['save', 'a.onnx', ROOT])
})

it('starts where it was left, or at a root where that is gone', async () => {
  const { files } = filesWindow()
  void files.choose('data', 'Data')
  await vi.waitFor(() => expect(files.view).not.toBeNull())
  await files.go(`${ROOT}/data`)
  void files.choose('data', 'Data')
  await vi.waitFor(() => expect(files.view?.path).toBe(`${ROOT}/data`))
  localStorage.setItem('quantbench.folder', '/gone')
  void files.choose('data', 'Data')
  await vi.waitFor(() => expect(files.view?.path).toBe(ROOT))
})

it('stays in the folder when another one is refused, and says why', async () => {
  const { files } = filesWindow()
  void files.choose('model', 'Open')
  await vi.waitFor(() => expect(files.view?.path).toBe(ROOT))
  expect(await files.go('/etc')).toBe(false)
  expect([files.view?.path, files.problem?.code]).toEqual([ROOT, 'file.outsideWorkspace'])
})

it('ends a dialog that is still open when another is asked for', async () => {
  const { files } = filesWindow()
  const first = files.choose('model', 'One')
  const second = files.chooseTarget('plan.json', 'Two')
  expect(await first).toBeNull()
  expect([files.request?.mode, files.fileName, files.takesFolder]).toEqual(['save', 'plan.json', false])
  files.answer(null)
  expect(await second).toBeNull()
})
