import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it } from 'vitest'
import { menuTemplate, type MenuActions } from '../../../../src/main/hosts/electron/menu.ts'

// The desktop's menu as a value; Electron itself is not run here.

function recorded(): { actions: MenuActions; said: string[] } {
  const said: string[] = []
  const actions: MenuActions = {
    open: () => said.push('open'),
    openPath: (path) => said.push(`open ${path}`),
    command: (id) => said.push(id),
    newWindow: () => said.push('window'),
  }
  return { actions, said }
}

function itemsOf(template: readonly MenuItemConstructorOptions[], label: string): MenuItemConstructorOptions[] {
  return template.find((item) => item.label === label)!.submenu as MenuItemConstructorOptions[]
}

const click = (item: MenuItemConstructorOptions): void => (item.click as () => void)()

describe.each(['linux', 'darwin', 'win32'] as const)('on %s', (platform) => {
  const request = { platform, name: 'Quantbench', isDeveloping: false }

  it('asks the window for what its entries say', () => {
    const { actions, said } = recorded()
    const template = menuTemplate({ ...request, actions, recent: [] })
    const file = itemsOf(template, 'File')
    for (const item of file) if (item.click) click(item)
    expect(said).toEqual(['open', 'model.sample', 'window', 'model.export', 'view.settings'])
    expect(file.find(({ label }) => label === 'Open Recent')!.enabled).toBe(false)
    expect(template.some(({ role }) => role === 'appMenu')).toBe(platform === 'darwin')
  })

  it('lists recent models, whatever their names hold', () => {
    const { actions, said } = recorded()
    const recent = Array.from({ length: 14 }, (_, i) => ({ name: `a & b ${i}.onnx`, path: `/models/${i}.onnx` }))
    const items = itemsOf(menuTemplate({ ...request, actions, recent }), 'File').find(
      ({ label }) => label === 'Open Recent',
    )!
    const entries = items.submenu as MenuItemConstructorOptions[]
    expect(entries).toHaveLength(10)
    expect(entries[0]!.label).toBe('a && b 0.onnx')
    click(entries[3]!)
    expect(said).toEqual(['open /models/3.onnx'])
  })

  it('takes no key that the window has itself', () => {
    const { actions } = recorded()
    const items = ['File', 'Edit'].flatMap((label) => itemsOf(menuTemplate({ ...request, actions, recent: [] }), label))
    const own = items.filter(({ label }) => /Undo|Export|Find|Palette/.test(label ?? ''))
    expect(own).toHaveLength(4)
    // only Linux and Windows can show a key without taking it
    for (const { accelerator, registerAccelerator } of own)
      expect(platform === 'darwin' ? accelerator === undefined : registerAccelerator === false).toBe(true)
  })

  it('offers tools for developers only while developing', () => {
    const { actions } = recorded()
    const roles = (isDeveloping: boolean): unknown[] =>
      itemsOf(menuTemplate({ ...request, actions, recent: [], isDeveloping }), 'View').map(({ role }) => role)
    expect(roles(false)).not.toContain('toggleDevTools')
    expect(roles(true)).toContain('toggleDevTools')
  })
})
