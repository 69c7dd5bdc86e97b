import { listSpecs } from './contracts/list.ts';
import { servePeople } from './people.ts';

listSpecs('one server', servePeople);
