"""Single threads and what a right client says of each."""

from typing import Final

from samples.rows import (
    FAMILY,
    IG_GUIDE,
    IG_POSTMAN,
    INSTAGRAM,
    MESSENGER,
    NAMELESS,
    PYFACEBOOK,
    RESTFB,
    ExpectedThread,
    Origin,
    ThreadSample,
)

THREAD: Final[tuple[ThreadSample, ...]] = (
    ThreadSample(
        file="thread/participants-fragment.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (Python comment, python repr)",
        version="unversioned (2023)",
        shape="thread/dalecooper-participants-fragment",
        note="A fragment kept without its id; whole, it would have one.",
        unreadable="$.id",
    ),
    ThreadSample(
        file="thread/ig-messages-supported-flag.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (test log)",
        version="v25.0 (2026-05-04)",
        shape="thread/dmpilot-ig-messages-supported-flag",
        note="The id comes last.",
        thread=ExpectedThread(
            id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTI5MTMzMDU5MjM2MjE2Mjk3OTAx",
            messages=(
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTEyOTEzMzA1OT"
                    "IzNjIxNjI5NzkwMTozNDc4ODE3MjI1MTk4Mzc3NjUzODEyMjgzMzkxNDczOTcyMwZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTEyOTEzMzA1OT"
                    "IzNjIxNjI5NzkwMTozNTQyNzIzNTU2NTI1ODYwNzMxMDcwOTk1NjAzODQ5Mjk5MgZDZD"
                ),
            ),
        ),
    ),
    ThreadSample(
        file="thread/ig-participants-id-last.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (test log)",
        version="v25.0 (2026-05-04)",
        shape="thread/dmpilot-ig-participants",
        thread=ExpectedThread(
            id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTI4NzIzMTY0MzgwOTc0ODQyMTc5",
            participants=(("17841666859660888", "copper.kettle.repairs"), ("544205673406788", "ilse_marwick")),
        ),
    ),
    ThreadSample(
        file="thread/v2-link-with-query.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (PHP docblock, one array item)",
        version="v2.5 (2016)",
        shape="thread/gainsocial-thread-item-2016",
        thread=ExpectedThread(
            id="t_mid.3291301580480:8a11b3812b64450088",
            updated_time="2016-06-07T08:09:10+00:00",
            link=(
                "/saltmarshbooks/manager/messages/?mercurythreadid=user%3A582286289248292&threadid=mid.3291301580"
                "480%3A8a11b3812b64450088&folder=inbox"
            ),
        ),
    ),
    ThreadSample(
        file="thread/ig-messages-after-only-with-next.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (TS comment)",
        version="v24.0 (2026)",
        shape="thread/igconsole-ig-thread-messages",
        note="next is present although one message of 25 came: it may lead to an empty page.",
        thread=ExpectedThread(
            id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTkzODg1NzE1MDg5NzA5NzcxNjkz",
            messages=(
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTE5Mzg4NTcxNT"
                    "A4OTcwOTc3MTY5MzozMzUwMDM3MzYyNDEyNzY1ODk2MjgyMjYyMDkyNzEwMzI1NQZDZD"
                ),
            ),
            messages_after="ZAXlKamRYSnpiM0lpT2lJek5EQTVOemN6TXpVMU1qUTVNalk1TXpnNU5qWTVPVFUwTWprNU56RXdPVFV5TkNKOQZDZD",
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/documented-messages-placeholder-times.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=IG_GUIDE,
        version="v24.0",
        shape="thread/igdoc-thread-messages",
        note="Placeholders: the times cannot be read, the messages are there all the same.",
        thread=ExpectedThread(
            id="<THREAD_ID>", messages=("<FIRST_MESSAGE_ID>", "<SECOND_MESSAGE_ID>", "<THIRD_MESSAGE_ID>")
        ),
    ),
    ThreadSample(
        file="thread/ig-messages-no-paging.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source="Ckster/MessageMate@c2751c8:MessageMate/InboxView.swift",
        version="v9.0 (2023)",
        shape="thread/messagemate-ig-messages-no-paging",
        note="Seven messages, newest first, no paging key.",
        thread=ExpectedThread(
            id=(
                "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6MTc4NDE2NjY4NTk2NjA4ODg6MzQwMjgyMzY2ODQxNzEwMzAxMzYyNTE5NTU0Mj"
                "I3NDU4NDY1Mjg4"
            ),
            messages=(
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozNjkyNjA1MDY5OTk2MDk5Mzk3NDE1NDEwNDA5NDE2MzQ2NgZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozMTAzODE2NzU0ODQxNjI1OTQ5NzA4OTU5NTgyNDgzOTk0NAZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozNjQ0NTkxMDk1NTgzODU5NDc5NjE0NDgwNzI1OTYxNzAwMAZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozNDg4NDU3MzIyNzI1MjA4NTY4MjA1NDIzNDg5MjA0NzAxMgZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozOTM1NjYwNzc5MjgzNjcyNzM1NDQ3NjA0OTUzMjY0NTUwOQZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozNTA3MDAzMTMzMzUxNzA0MDcyODI3Njg3MjQ3MTY3MTE1MAZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTM2MjUxOTU1ND"
                    "IyNzQ1ODQ2NTI4ODozMjg0Mzg4MjUyOTIwMjc5NTM2NDQ3NjEzNTMzNjI5NDEyNwZDZD"
                ),
            ),
        ),
    ),
    ThreadSample(
        file="thread/ig-login-messages-masked.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="thread/postman-ig-login-thread-messages",
        thread=ExpectedThread(
            id="threadID1",
            messages=("messageId1", "messageId2", "messageId3", "messageId4", "messageId5", "messageId6", "messageId7"),
            messages_after="maskedAfterCursor",
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/t-all-fields.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/models/conversation.json",
        version="v11.0 (2021)",
        shape="thread/pyfacebook-t-all-fields",
        note="The fullest Messenger node; unread_count is 0, not absent; nobody in former_participants.",
        thread=ExpectedThread(
            id="t_14426262251855130",
            updated_time="2021-07-17T05:44:03+00:00",
            participants=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            senders=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            unread_count=0,
            message_count=58,
            link="/822818662011641/inbox/8634451012758463/",
            snippet="wonderful, see you",
            can_reply=True,
            is_subscribed=True,
            scoped_thread_key="t_14426262251855130",
        ),
    ),
    ThreadSample(
        file="thread/t-default-plus-link.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/apidata/conversations/cvs_info.json",
        version="v11.0 (2021)",
        shape="thread/pyfacebook-t-default-plus-link",
        thread=ExpectedThread(
            id="t_59209501108607673",
            updated_time="2021-09-03T12:44:18+00:00",
            unread_count=1,
            message_count=59,
            link="/822818662011641/inbox/6168688717869953/",
            snippet="see you at nine",
        ),
    ),
    ThreadSample(
        file="thread/documented-ig-participants-user-id.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=RESTFB + "v10_0/instagram-conversation.json",
        version="v10.0",
        shape="thread/restfb-ig-participants-placeholders",
        note="user_id of 2021.",
        thread=ExpectedThread(
            id="<IG_THREAD_ID>", participants=(("<AN_IGSID>", "<A_USERNAME>"), ("<AN_IGID>", "<A_USERNAME>"))
        ),
    ),
    ThreadSample(
        file="thread/legacy-user-inbox.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=RESTFB + "v2_1/thread.json",
        version="v2.1",
        shape="thread/restfb-legacy-user-inbox-thread",
        note=(
            "Not a UnifiedThread: a bare number for an id; to, unread, unseen and comments are unknown to this edge."
        ),
        thread=ExpectedThread(
            id="15590526541", updated_time="2012-11-29T16:44:40+00:00", extra=("to", "unread", "unseen", "comments")
        ),
    ),
    ThreadSample(
        file="thread/t-id-2012-with-messages.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=RESTFB + "conversation.json",
        version="2012 (unversioned)",
        shape="thread/restfb-t-id-2012-with-messages",
        note="t_id. and m_id. ids; absolute http link; nested time paging.",
        thread=ExpectedThread(
            id="t_id.902393789604443",
            updated_time="2012-06-21T20:03:10+00:00",
            participants=(("172990283306274", "Reader One"), ("445583404682289", "Reader Two")),
            senders=(("172990283306274", "Reader One"), ("445583404682289", "Reader Two")),
            unread_count=2,
            message_count=2,
            link="http://www.facebook.com/messages/?action=read&tid=id.902393789604443",
            snippet="Only a rehearsal.",
            can_reply=True,
            is_subscribed=True,
            tags=("inbox", "read", "seen", "sent", "source:web"),
            messages=("m_id.565717356824138", "m_id.963218925800119"),
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/v28-messages-time-paging.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source="https://github.com/restfb/restfb/issues/687",
        version="v2.8 (2017)",
        shape="thread/restfb687-messages-paging-v28",
        thread=ExpectedThread(
            id="t_mid.8967601881753:2fe25aea6715c6a4c2",
            message_count=204,
            messages=("m_mid.5879599573805:d1223978c4",),
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/t-full-with-sticker-last-page.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v3.x (2019)",
        shape="thread/chin-t-with-messages-stickers",
        note=(
            "Nested messages with cursors and no next: all of them are here. The sticker is a URL "
            "beside an empty message."
        ),
        thread=ExpectedThread(
            id="t_393859064455768",
            updated_time="2019-08-14T17:20:33+00:00",
            participants=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            senders=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            unread_count=0,
            message_count=3,
            link="/Copper-Kettle-Repairs-822818662011641/inbox/9989553592553601/",
            snippet="Ilse sent a sticker.",
            can_reply=True,
            is_subscribed=True,
            scoped_thread_key="t_393859064455768",
            messages=(
                "m_zJIF8c_x7lwiniQ2npzbdUSuNqjshNRWgkUQZ07Onn-QaQ93FaR1gX0YIyJ8oeYjXF0-VUUzjCy6tDC8",
                "m_uZGUDU9iqlxPgYhB1Jn-6aGFHi0Y8cfBTuRxMHh3pVP7HPRoD4_vhja-q_RG09lptD60sT1OmrVvq1bj",
                "m_oHavUK5VV0OEIMgvIP6aQgtunfIRggovT8LzAwXQUb8qr2n8bM4OyXLZmq2so3BFUpBlVAY-1F6x9lzF",
            ),
            messages_after=(
                "QVFIU1ReA9wG7ZAgLrVmOyCdInMzL8iF71WA47ZAU0KQewGyFcVXsKkZAzUvBJAgUeUzfHHFSeNR1s3pGG2jiGQy7CjHPSL1"
                "ei9RFeGas2nzplFVjEJpfeVUIYtVJeHsp846TJEQynbQcS8w6Mr8REzmODBxurXgXYZD"
            ),
        ),
    ),
    ThreadSample(
        file="thread/ig-messages-unsupported-only-when-true.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v18.0 (2024)",
        shape="thread/flyerdev-ig-messages-unsupported-mixed",
        thread=ExpectedThread(
            id=(
                "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6MTc4NDE2NjY4NTk2NjA4ODg6MzQwMjgyMzY2ODQxNzEwMzAxOTI1OTk0NDU3OD"
                "g0OTQxMDY3MzEx"
            ),
            messages=(
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTkyNTk5NDQ1Nz"
                    "g4NDk0MTA2NzMxMTozNTk0NjIxMDE1Mzg0ODEwMjk2MjU2MDU5MDg0ODI1NDkwNAZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTkyNTk5NDQ1Nz"
                    "g4NDk0MTA2NzMxMTozNzYxMjE5MDQwMTQ3MzIwNzQ0MjMxNTIxOTYwNzIyMTcxMQZDZD"
                ),
                (
                    "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTkyNTk5NDQ1Nz"
                    "g4NDk0MTA2NzMxMTozNTQzNjk3NDY4OTY4MDE2Nzg2NTIwMzM3MTUyMDEzMDAyOQZDZD"
                ),
            ),
            messages_after="ZAXlKamRYSnpiM0lpT2lJek5qZAzVNVGt4T0RNMU56azVNVGMwT1RVd05qZAzRNVEU0T1RjMk5EUXpPRFUwT0NKOQZDZD",
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/ig-one-participant.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v24.0 (2026)",
        shape="thread/igconsole-ig-one-participant",
        note="Only the business is listed: the other person is not to be invented.",
        thread=ExpectedThread(
            id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxODQwMjMyMDU2MjQyNTI2MDAxODgz",
            participants=(("17841666859660888", "copper.kettle.repairs"),),
        ),
    ),
    ThreadSample(
        file="thread/ig-messages-int-id-and-missing-id.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source="simstudioai/sim@0b232eb876e2 (path not recorded)",
        shape="thread/sim-ig-messages-int-id-missing-id",
        note=(
            "A number for an id is its decimal text, past 2^53 exact; a message without an id is "
            "malformed and its neighbours are not."
        ),
        thread=ExpectedThread(
            id="conversation-9",
            messages=("9007199254740993", "last"),
            messages_malformed=("$.messages.data[1].id",),
            messages_after="c2",
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/t-mid-dollar-2017.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v2.10 (2017)",
        shape="thread id forms",
        note="The id holds a $ and stands unescaped in the path of next.",
        thread=ExpectedThread(
            id="t_mid.$cAADb0sZRHt2vjDZAimgAYXn",
            updated_time="2017-08-02T03:04:05+00:00",
            messages=("m_mid.$cAADOI7RvSg1SRgyhlFvKW1U",),
            messages_more=True,
        ),
    ),
    ThreadSample(
        file="thread/is-owner-and-name.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 2.1",
        note="Every documented field no capture has shown: all known, none in extra.",
        thread=ExpectedThread(
            id="t_31476085002150355", updated_time="2026-10-02T00:00:00+00:00", folder="inbox", is_owner=False
        ),
    ),
    ThreadSample(
        file="thread/messages-empty.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        thread=ExpectedThread(id="t_60273714995253973"),
    ),
    ThreadSample(
        file="thread/id-only.json",
        platform=INSTAGRAM,
        origin=Origin.IMAGINED,
        source=FAMILY,
        thread=ExpectedThread(id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMjI4NzczMjc4NzgyOTE2OTQxMTAz"),
    ),
)
