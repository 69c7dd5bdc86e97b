import { visibleSpecs } from './contracts/visible.ts';
import { servePeople } from './people.ts';

visibleSpecs('one server', servePeople);
