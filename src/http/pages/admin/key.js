const NAME = 'bayeuxd-admin-key';

/** The key or token of this tab. It is in no address and in no cookie. */
export const key = {
  get: () => sessionStorage.getItem(NAME) ?? '',
  keep: (text) => sessionStorage.setItem(NAME, text),
  forget: () => sessionStorage.removeItem(NAME),
};
