"""The words of this library as frozen values, room by room.

What Meta answered is kept as Meta said it: a `Thread` tells the answer's own JSON object, field by field, as do the
people and messages in it. A field whose value has a shape nobody documented reads as None and stays, untouched, in
`extra` beside the fields this library does not know. So a new field or a changed type at Meta's end loses nothing and
breaks nobody.
"""

from conversations_async.pages import Cursor as Cursor
from conversations_async.pages import GraphHost as GraphHost
from conversations_async.pages import Inbox as Inbox
from conversations_async.pages import Page as Page
from conversations_async.pages import Platform as Platform
from conversations_async.pages import Secret as Secret
from conversations_async.pages import TokenSource as TokenSource
from conversations_async.people import Participant as Participant
from conversations_async.pools import Pool as Pool
from conversations_async.pools import PoolKind as PoolKind
from conversations_async.pools import PoolUsage as PoolUsage
from conversations_async.pools import Usage as Usage
from conversations_async.query import DEFAULT_FIELDS as DEFAULT_FIELDS
from conversations_async.query import FOLDERS as FOLDERS
from conversations_async.query import INSTAGRAM_FIELDS as INSTAGRAM_FIELDS
from conversations_async.query import ThreadQuery as ThreadQuery
from conversations_async.readers import read_edge as read_edge
from conversations_async.readers import read_time as read_time
from conversations_async.thread import THREAD_READERS as THREAD_READERS
from conversations_async.thread import Thread as Thread
from conversations_async.thread import ThreadPage as ThreadPage
from conversations_async.thread import UnavailableThread as UnavailableThread
from conversations_async.thread import belonging_to as belonging_to
from conversations_async.thread import found_under as found_under
from conversations_async.thread import thread_json as thread_json
from conversations_async.thread import threads_of as threads_of
