/** Name of the page in the site, its file in the repository, its title in the sidebar. */
type SitePage = readonly [name: string, file: string, title: string];

export const sections: readonly (readonly [heading: string, pages: readonly SitePage[]])[];
export const pages: readonly SitePage[];
