package service

import (
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// encodeLetters are letters in the words of the contract, without their text.
func encodeLetters(all []store.Letter) []*optoutv1.Letter {
	made := make([]*optoutv1.Letter, len(all))
	for i, l := range all {
		made[i] = encodeLetter(l)
	}
	return made
}

func encodeLetter(l store.Letter) *optoutv1.Letter {
	return &optoutv1.Letter{
		Id: l.ID.String(), Kind: letterKinds()[l.Kind], Format: letterFormats()[l.Format], State: letterStates()[l.State],
		By: string(l.By), QueuedAt: stamp(l.QueuedAt), SentAt: stampOr(l.SentAt), Attempts: int32(l.Attempts), Failure: l.Failure,
	}
}

func letterKinds() map[letter.Kind]optoutv1.LetterKind {
	return map[letter.Kind]optoutv1.LetterKind{
		letter.Acknowledgement:  optoutv1.LetterKind_LETTER_KIND_ACKNOWLEDGEMENT,
		letter.EffectConfirmed:  optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED,
		letter.EvidenceWanted:   optoutv1.LetterKind_LETTER_KIND_EVIDENCE_WANTED,
		letter.Refused:          optoutv1.LetterKind_LETTER_KIND_REFUSED,
		letter.OptedInConfirmed: optoutv1.LetterKind_LETTER_KIND_OPTED_IN_CONFIRMED,
		letter.ConfirmationCode: optoutv1.LetterKind_LETTER_KIND_CONFIRMATION_CODE,
	}
}

func letterFormats() map[letter.Format]optoutv1.LetterFormat {
	return map[letter.Format]optoutv1.LetterFormat{
		letter.Standard:   optoutv1.LetterFormat_LETTER_FORMAT_STANDARD,
		letter.LargePrint: optoutv1.LetterFormat_LETTER_FORMAT_LARGE_PRINT,
		letter.EasyRead:   optoutv1.LetterFormat_LETTER_FORMAT_EASY_READ,
	}
}

func letterStates() map[store.LetterState]optoutv1.LetterState {
	return map[store.LetterState]optoutv1.LetterState{
		store.LetterQueued: optoutv1.LetterState_LETTER_STATE_QUEUED,
		store.LetterSent:   optoutv1.LetterState_LETTER_STATE_SENT,
		store.LetterFailed: optoutv1.LetterState_LETTER_STATE_FAILED,
	}
}
